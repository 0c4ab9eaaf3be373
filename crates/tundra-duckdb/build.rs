//! Compiles the C++ side against the headers of the DuckDB that libduckdb-sys built.

use std::env;
use std::path::PathBuf;

const SOURCES: [&str; 6] = [
    "cpp/database.cpp",
    "cpp/file_system.cpp",
    "cpp/rust_file_system.cpp",
    "cpp/sandbox.cpp",
    "cpp/spill_file_system.cpp",
    "cpp/stream.cpp",
];

fn main() {
    println!("cargo:rerun-if-changed=cpp");
    println!("cargo:rerun-if-env-changed=DEP_DUCKDB_INCLUDE");
    let include = PathBuf::from(
        env::var_os("DEP_DUCKDB_INCLUDE").expect("libduckdb-sys publishes where its headers are"),
    );

    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("c++17")
        .files(SOURCES)
        // Their warnings are not ours.
        .flag_if_supported(format!("-isystem{}", include.display()))
        .include("cpp");
    if build.get_compiler().is_like_msvc() {
        build.include(&include).flag("/EHsc").flag("/utf-8");
    }
    // DuckDB's headers differ with its assertions, so both sides must agree on them. libduckdb-sys
    // goes by the same variable, and the workspace sets the same value for it in every profile.
    build.define("NDEBUG", None);
    build.warnings(true).extra_warnings(true).compile("tundra_duckdb_shim");
}
