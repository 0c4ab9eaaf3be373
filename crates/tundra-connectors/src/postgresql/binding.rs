//! What ties a login by SCRAM to the TLS connection it goes over, so that nobody in between can pass it on.
//!
//! Start at [`server_end_point`], which is `tls-server-end-point` of RFC 5929: the digest of the server's
//! certificate, by the function of the certificate's own signature. Of the certificate nothing else is
//! read, and nothing is believed: whether it is the right one is for TLS to say.

use sha2::{Digest, Sha256, Sha384, Sha512};

/// Returns the digest of a certificate, or `None` where none is defined for its signature.
pub(super) fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    // A sequence of what is signed, the algorithm and the signature; of these the algorithm is a
    // sequence of its identifier and parameters.
    let (_, whole, _) = element(certificate)?;
    let (_, _, rest) = element(whole)?;
    let (_, algorithm, _) = element(rest)?;
    let (_, identifier, _) = element(algorithm)?;
    Some(match identifier {
        // RSA with MD5, SHA-1 and SHA-256, and ECDSA with SHA-1 and SHA-256: the weak ones count as
        // SHA-256.
        [.., 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04 | 0x05 | 0x0b]
        | [.., 0xce, 0x3d, 0x04, 0x01]
        | [.., 0xce, 0x3d, 0x04, 0x03, 0x02] => Sha256::digest(certificate).to_vec(),
        [.., 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c] | [.., 0xce, 0x3d, 0x04, 0x03, 0x03] => {
            Sha384::digest(certificate).to_vec()
        }
        [.., 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d] | [.., 0xce, 0x3d, 0x04, 0x03, 0x04] => {
            Sha512::digest(certificate).to_vec()
        }
        _ => return None,
    })
}

/// Returns the tag and the content of the first element of DER, and what is behind it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([tag, length], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match *length {
        short @ ..=0x7f => (usize::from(short), rest),
        // So many bytes of a length follow; four are more than any certificate has.
        long @ 0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A certificate of this shape, signed by the algorithm with this identifier.
    fn certificate(identifier: &[u8], signed: usize) -> Vec<u8> {
        let algorithm = sequence(0x30, &sequence(0x06, identifier));
        let parts = [sequence(0x30, &vec![7; signed]), algorithm, sequence(0x03, &[0; 64])];
        sequence(0x30, &parts.concat())
    }

    fn sequence(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap();
        let head = match length {
            ..=0x7f => vec![tag, u8::try_from(length).unwrap()],
            _ => [&[tag, 0x84][..], &length.to_be_bytes()].concat(),
        };
        [head.as_slice(), content].concat()
    }

    const RSA: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: [u8; 6] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];

    #[test]
    fn the_digest_is_that_of_the_signature() {
        for (identifier, digest) in [
            ([&RSA[..], &[0x05]].concat(), 32),
            ([&RSA[..], &[0x0b]].concat(), 32),
            ([&RSA[..], &[0x0c]].concat(), 48),
            ([&RSA[..], &[0x0d]].concat(), 64),
            ([&ECDSA[..], &[0x03, 0x02]].concat(), 32),
            ([&ECDSA[..], &[0x03, 0x03]].concat(), 48),
            ([&ECDSA[..], &[0x03, 0x04]].concat(), 64),
        ] {
            for signed in [10, 1000] {
                let found = server_end_point(&certificate(&identifier, signed)).unwrap();
                assert_eq!(found.len(), digest, "{identifier:x?}");
            }
        }
        // Ed25519, for which there is none.
        assert_eq!(server_end_point(&certificate(&[0x2b, 0x65, 0x70], 10)), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = server_end_point(&bytes);
        }
    }
}
