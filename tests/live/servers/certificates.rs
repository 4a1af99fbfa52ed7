//! Certificates for one test, by openssl.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::need_program;
use super::{text, watchdog};

/// An authority, and certificates that it signed for a server at 127.0.0.1, for one that has a name
/// only, and for a client; two that it did not sign, for another client and for the server later on.
const SCRIPT: &str = r#"
set -e
cd "$1"
curve="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
for ca in ca other-ca; do
    openssl req -x509 $curve -subj "/CN=$ca" -keyout $ca-key.pem -out $ca.pem
done
sign() {
    openssl req $curve -subj "/CN=$2" -keyout $2-key.pem -out $2.csr
    printf 'subjectAltName=%s\nextendedKeyUsage=%s\n' "$4" "$3" > $2.ext
    openssl x509 -req -in $2.csr -CA $1.pem -CAkey $1-key.pem -CAcreateserial -days 2 \
        -extfile $2.ext -out $2.pem
}
sign ca server serverAuth IP:127.0.0.1
sign ca named serverAuth DNS:status.example.org
sign ca client clientAuth IP:127.0.0.1
sign other-ca stranger clientAuth IP:127.0.0.1
sign other-ca renewed serverAuth IP:127.0.0.1
"#;

/// A folder with `ca.pem`, and a certificate and a key for each name: `server.pem`, `server-key.pem`.
pub fn made(name: &str) -> PathBuf {
    let dir = watchdog::dir(name);
    make(&dir);
    dir
}

fn make(dir: &Path) {
    need_program("openssl".as_ref(), "openssl");
    let made = Command::new("sh").args(["-c", SCRIPT, "sh", text(dir)]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
