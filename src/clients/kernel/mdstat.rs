//! Arrays of disks: `/proc/mdstat`.

use super::parse::{cut, digits, lines, text, words};

/// An array.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Array {
    pub name: String,
    /// It can be used.
    pub active: bool,
    pub required: u64,
    pub working: u64,
    pub failed: u64,
    pub spare: u64,
    pub doing: Doing,
    pub blocks: Option<u64>,
    /// Of these, those that are right already.
    pub synced: Option<u64>,
}

/// What it does besides serving.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Doing {
    #[default]
    Nothing,
    Recovering,
    Resyncing,
    Checking,
    Reshaping,
}

/// `md0 : active raid1 sdb1[1] sda1[0](F)`, then a line with the blocks, `1234 blocks [2/1] [_U]`, and one on what
/// is under way, `[=>...]  recovery = 12.6% (370/2945) finish=1min speed=1K/sec`.
pub fn parse(file: &[u8]) -> Vec<Array> {
    let mut arrays: Vec<Array> = Vec::new();
    for line in lines(file) {
        let inner = line.first().is_some_and(u8::is_ascii_whitespace);
        match arrays.last_mut().filter(|_| inner) {
            Some(array) => array.detail(line),
            None if inner => {}
            None => arrays.extend(head(line)),
        }
    }
    arrays
}

fn head(line: &[u8]) -> Option<Array> {
    let (name, rest) = cut(line, b':')?;
    let name = name.trim_ascii();
    let active = match words(rest).next()? {
        b"active" => true,
        b"inactive" => false,
        _ => return None,
    };
    let disks: Vec<_> = words(rest).filter(|word| word.contains(&b'[')).collect();
    let marked = |mark: &[u8]| disks.iter().filter(|disk| disk.ends_with(mark)).count() as u64;
    let (failed, spare) = (marked(b"(F)"), marked(b"(S)"));
    // What has no spare place says nothing of how many there should be.
    let working = if active { disks.len() as u64 - failed - spare } else { 0 };
    let required = disks.len() as u64 - spare;
    Some(Array { name: text(name), active, required, working, failed, spare, ..Array::default() })
}

impl Array {
    fn detail(&mut self, line: &[u8]) {
        let all: Vec<_> = words(line).collect();
        if let [blocks, b"blocks", rest @ ..] = all.as_slice() {
            self.blocks = digits(blocks);
            self.synced = self.blocks;
            if let Some((required, working)) = rest.iter().find_map(|word| counts(word)) {
                (self.required, self.working) = (required, working);
            }
        }
        let doing = all.iter().find_map(|word| match *word {
            b"recovery" => Some(Doing::Recovering),
            b"resync" => Some(Doing::Resyncing),
            b"check" => Some(Doing::Checking),
            b"reshape" => Some(Doing::Reshaping),
            // `resync=DELAYED`, `resync=PENDING`.
            word if word.starts_with(b"resync=") => Some(Doing::Resyncing),
            word if word.starts_with(b"recovery=") => Some(Doing::Recovering),
            _ => None,
        });
        if let Some(doing) = doing {
            self.doing = doing;
            let share = all.iter().find_map(|word| share(word));
            self.synced = share.or(Some(0)).filter(|_| self.blocks.is_some());
        }
    }
}

/// `[2/1]`: how many there should be, and how many work.
fn counts(word: &[u8]) -> Option<(u64, u64)> {
    let (required, working) = cut(word.strip_prefix(b"[")?.strip_suffix(b"]")?, b'/')?;
    Some((digits(required)?, digits(working)?))
}

/// `(370/2945)`.
fn share(word: &[u8]) -> Option<u64> {
    let (done, _) = cut(word.strip_prefix(b"(")?.strip_suffix(b")")?, b'/')?;
    digits(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_degraded_rebuilding_and_broken_ones() {
        let file = b"Personalities : [raid1] [raid6] [raid5]\n\
            md0 : active raid1 sdb1[1] sda1[0]\n      1000 blocks super 1.2 [2/2] [UU]\n      bitmap: 0/1 pages [0KB], 65536KB chunk\n\n\
            md1 : active raid1 sdb2[1] sda2[0](F)\n      2000 blocks [2/1] [_U]\n\n\
            md2 : active raid5 sdc[3] sdb[1] sda[0] sdd[4](S)\n      3000 blocks level 5, 64k chunk [3/2] [UU_]\n      \
            [==>..]  recovery = 12.6% (370/3000) finish=1.0min speed=1K/sec\n\n\
            md3 : inactive sde[0](S)\n      4000 blocks\n\nmd4 : active raid0 sdf[1] sdg[0]\n      5000 blocks 64k chunks\n\
            \tresync=DELAYED\n\nunused devices: <none>\nmd5 : odd\n";
        let found = parse(file);
        let of = |name: &str| found.iter().find(|array| array.name == name).cloned();
        let numbers = |name: &str| {
            let array = of(name).unwrap();
            (array.required, array.working, array.failed, array.spare, array.synced)
        };
        assert_eq!(numbers("md0"), (2, 2, 0, 0, Some(1000)));
        assert_eq!(numbers("md1"), (2, 1, 1, 0, Some(2000)));
        assert_eq!(numbers("md2"), (3, 2, 0, 1, Some(370)));
        assert_eq!(of("md2").unwrap().doing, Doing::Recovering);
        assert_eq!((numbers("md3"), of("md3").unwrap().active), ((0, 0, 0, 1, Some(4000)), false));
        assert_eq!(
            (numbers("md4"), of("md4").unwrap().doing),
            ((2, 2, 0, 0, Some(0)), Doing::Resyncing)
        );
        assert_eq!(found.len(), 5);
        assert_eq!(parse(b"\xff\xfe\n md0 : active\n"), []);
    }
}
