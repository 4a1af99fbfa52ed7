//! ICMP echo, where the kernel lets us: a ping socket (`net.ipv4.ping_group_range`), else a raw one
//! (root, or the capability `NET_RAW`).

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, socket_with};
use tokio::net::UdpSocket;

use super::prober::Prober;
use super::trace::{Phase, Trace};
use crate::failure::{Failure, Reason};

/// Types of messages: request and answer, of version 4 and 6.
const V4: [u8; 2] = [8, 0];
const V6: [u8; 2] = [128, 129];
/// The size that `ping` sends.
const PAYLOAD: usize = 56;

pub async fn probe(prober: &Prober, trace: &mut Trace) -> Result<(), Failure> {
    let found = prober.dialer.resolve((&prober.place.host, 0), trace).await?;
    let Some(address) = found.first().copied() else {
        return Err(Failure::new(Reason::DNS, "the host name does not resolve"));
    };
    trace.protocol = if address.is_ipv4() { 4 } else { 6 };
    trace.enter(Phase::Connect);
    let (socket, raw) = open(address)?;
    let wrap = |error: io::Error| super::connect::failure(&error);
    // It sends and takes whole messages, as sockets of UDP do.
    let socket = UdpSocket::from_std(socket.into()).map_err(wrap)?;
    trace.enter(Phase::Processing);
    let [id, sequence] = marks();
    let begun = Instant::now();
    socket.send_to(&request(address, id, sequence), address).await.map_err(wrap)?;
    let mut buffer = vec![0; 2048];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.map_err(wrap)?;
        let message = buffer.get(..length).unwrap_or_default();
        if is_reply(message, from, address, raw.then_some(id), sequence) {
            trace.round_trip = Some(begun.elapsed());
            return Ok(());
        }
    }
}

/// Whether a message is the answer to ours, from whom it was sent to. `id` is ours on a raw socket: of
/// a ping socket the kernel chooses it, and hands out no others.
fn is_reply(
    message: &[u8],
    from: SocketAddr,
    asked: SocketAddr,
    id: Option<u16>,
    sequence: u16,
) -> bool {
    // To no address in particular is to this machine.
    if from.ip() != asked.ip() && !asked.ip().is_unspecified() {
        return false;
    }
    // A raw socket of version 4 has the head of the packet before it, and hears all that comes.
    let skip = match message.first() {
        Some(first) if id.is_some() && asked.is_ipv4() => usize::from(first & 0x0f) * 4,
        _ => 0,
    };
    let wanted = if asked.is_ipv4() { V4[1] } else { V6[1] };
    let Some([kind, _, _, _, id0, id1, seq0, seq1]) = message.get(skip..skip + 8) else {
        return false;
    };
    let ours = id.is_none_or(|id| u16::from_be_bytes([*id0, *id1]) == id);
    *kind == wanted && ours && u16::from_be_bytes([*seq0, *seq1]) == sequence
}

/// A ping socket, or a raw one.
fn open(address: SocketAddr) -> Result<(std::os::fd::OwnedFd, bool), Failure> {
    let (family, protocol) = if address.is_ipv4() {
        (AddressFamily::INET, ipproto::ICMP)
    } else {
        (AddressFamily::INET6, ipproto::ICMPV6)
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let made = |kind| socket_with(family, kind, flags, Some(protocol));
    let rights = |error: rustix::io::Errno| {
        let error = io::Error::from(error);
        if error.kind() != io::ErrorKind::PermissionDenied {
            return super::connect::failure(&error);
        }
        Failure::new(Reason::RIGHTS, "the kernel lets us send no pings").hint(
            "give the group of the exporter the right by `sysctl net.ipv4.ping_group_range`, or the capability NET_RAW",
        )
    };
    if let Ok(socket) = made(SocketType::DGRAM) {
        return Ok((socket, false));
    }
    Ok((made(SocketType::RAW).map_err(rights)?, true))
}

fn request(address: SocketAddr, id: u16, sequence: u16) -> Vec<u8> {
    let kind = if address.is_ipv4() { V4[0] } else { V6[0] };
    let mut message = vec![kind, 0, 0, 0];
    message.extend_from_slice(&id.to_be_bytes());
    message.extend_from_slice(&sequence.to_be_bytes());
    message.resize(8 + PAYLOAD, 0);
    let sum = checksum(&message).to_be_bytes();
    // Of version 6 the kernel makes it.
    for (to, from) in message.iter_mut().skip(2).zip(sum) {
        *to = from;
    }
    message
}

/// The one of RFC 1071.
fn checksum(message: &[u8]) -> u16 {
    let pairs = message.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum: u32 = pairs.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

/// An identifier and a sequence number that no other probe of ours has at this moment.
fn marks() -> [u16; 2] {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let id = u16::try_from(std::process::id() & 0xffff).unwrap_or(1);
    [id, NEXT.fetch_add(1, Ordering::Relaxed)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_adds_up() {
        let message = request(([127, 0, 0, 1], 0).into(), 0x1234, 7);
        assert_eq!(message.len(), 64);
        assert_eq!(checksum(&message), 0, "with its sum in it");
        assert_eq!(checksum(&[1]), !0x0100);
    }

    /// A gateway, or anybody else, does not answer for the host.
    #[test]
    fn an_answer_is_of_who_was_asked() {
        let asked = SocketAddr::from(([10, 0, 0, 1], 0));
        let mut message = request(asked, 5, 7);
        message[0] = V4[1];
        let is = |message: &[u8], from: [u8; 4], sequence| {
            is_reply(message, (from, 0).into(), asked, None, sequence)
        };
        assert!(is(&message, [10, 0, 0, 1], 7));
        assert!(!is(&message, [10, 0, 0, 2], 7), "another host");
        assert!(!is(&message, [10, 0, 0, 1], 8), "another question");
        assert!(!is(&message[..7], [10, 0, 0, 1], 7), "cut short");
        let mut raw = vec![0x45; 20];
        raw.extend_from_slice(&message);
        assert!(is_reply(&raw, asked, asked, Some(5), 7));
        assert!(!is_reply(&raw, asked, asked, Some(6), 7), "of another program");
    }
}
