//! Keys that nobody can guess, because other users of the machine can reach the servers.

use std::{fs::File, io::Read};

use anyhow::bail;

/// Returns random bytes as twice as many digits.
///
/// # Errors
/// When the system gives none.
pub(super) fn random_hex(bytes: usize) -> anyhow::Result<String> {
    let mut random = vec![0; bytes];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut random));
    if let Err(error) = read {
        bail!("no random numbers from `/dev/urandom`: {error}");
    }
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
