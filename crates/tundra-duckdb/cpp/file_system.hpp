// The file systems that a sandboxed DuckDB has: Rust's, the spill directory, and nothing else.
#pragma once

#include "host.hpp"

#include "duckdb/common/virtual_file_system.hpp"

namespace tundra {

constexpr const char *SCHEME = "tundra://";

//! The name under which DuckDB knows a spill directory. It never learns the real one, so no setting, function or
//! message can tell it.
duckdb::string SpillRoot(const duckdb::string &directory);

//! The files under `tundra://`.
duckdb::unique_ptr<duckdb::FileSystem> CreateRustFileSystem(const std::shared_ptr<Host> &host);

//! The files in the spill directory, for DuckDB's buffer manager alone.
duckdb::unique_ptr<duckdb::FileSystem> CreateSpillFileSystem(const duckdb::string &directory);

//! Builds what DuckDB takes for the machine's file system. `spill_directory` may be empty.
duckdb::unique_ptr<duckdb::VirtualFileSystem> CreateFileSystem(const std::shared_ptr<Host> &host,
                                                               const duckdb::string &spill_directory);

} // namespace tundra
