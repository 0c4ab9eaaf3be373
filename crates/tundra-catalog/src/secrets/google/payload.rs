//! What an answer of Secret Manager carries, and whether it arrived as it was sent.

use google_cloud_secretmanager_v1::model::{AccessSecretVersionResponse, SecretPayload};
use tundra_core::{ErrorKind, Retry, Secret, SecretError};
use zeroize::Zeroizing;

use crate::secrets::{checked, failed};

/// Takes the secret out of an answer.
///
/// Google sends a checksum always; of a service that sends none, the value is taken as it is.
pub(super) fn secret(
    name: &str,
    answer: AccessSecretVersionResponse,
) -> Result<Secret, SecretError> {
    let Some(SecretPayload { data, data_crc32c, .. }) = answer.payload else {
        let mut error = failed(
            name,
            ErrorKind::Unavailable,
            "the answer of Google Secret Manager has no secret in it",
        );
        error.retry = Retry::Later;
        return Err(error);
    };
    // The bytes have one owner, so that this moves them instead of copying.
    let value = Zeroizing::new(Vec::from(data));
    if data_crc32c.is_some_and(|sent| sent != i64::from(crc32c(&value))) {
        let mut error = failed(
            name,
            ErrorKind::Corrupt,
            "what Google Secret Manager sent does not have the checksum that it sent",
        );
        error.retry = Retry::Later;
        return Err(error);
    }
    checked(name, value)
}

/// Returns the checksum that Google uses, CRC-32C. A bit at a time is fast enough for 64 KiB.
fn crc32c(bytes: &[u8]) -> u32 {
    /// The polynomial, lowest bit first.
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_rfc_3720() {
        assert_eq!(crc32c(b""), 0);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }
}
