//! Encrypted files as PyArrow reads them, with the key and without.

use tundra_core::{ConvertOptions, WriteOptions};
use tundra_tests::python;

use crate::support::{Folder, convert};

/// Prints the rows of a file, or that it does not open, with a key that it is given in hexadecimal.
const READER: &str = r#"
import sys
import pyarrow.parquet as pq, pyarrow.parquet.encryption as encryption
key = encryption.create_decryption_properties(footer_key=bytes.fromhex(sys.argv[2]))
try:
    print(pq.read_table(sys.argv[1], decryption_properties=key).to_pylist())
except OSError:
    print("it does not open")
"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_file_opens_with_its_key_only() {
    let folder = Folder::new();
    let text = "{\"n\": 1, \"tags\": [\"a\", null]}\n{\"n\": null, \"tags\": []}\n";
    std::fs::write(folder.path("in.ndjson"), text).unwrap();
    for key in ["000102030405060708090a0b0c0d0e0f", &"5a".repeat(32)] {
        let encryption = Some(key.parse().unwrap());
        let writing = WriteOptions { encryption, ..WriteOptions::default() };
        let options = ConvertOptions { writing, ..ConvertOptions::default() };
        let output = folder.path("out.parquet");
        convert(&folder.path("in.ndjson"), &output, &options).await.unwrap();
        let output = output.to_str().unwrap();

        let read = python::run(READER, [output, key]).unwrap();
        assert_eq!(read, "[{'n': 1, 'tags': ['a', None]}, {'n': None, 'tags': []}]\n");
        let read = python::run(READER, [output, &"00".repeat(key.len() / 2)]).unwrap();
        assert_eq!(read, "it does not open\n");
        std::fs::remove_file(output).unwrap();
    }
}
