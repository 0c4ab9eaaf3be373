// What SQL may do inside: the settings, the functions and the kinds of statements.
#pragma once

#include "host.hpp"

namespace tundra {

//! Settings that must stand before the database is opened.
void Configure(duckdb::DBConfig &config, const tundra_options &options);

//! Takes every function out of the catalog that could reach beyond the data, or read what the database was configured
//! with.
void RemoveFunctions(duckdb::ClientContext &context);

//! Forbids every change of settings from here on.
void Lock(duckdb::DBConfig &config);

//! Throws unless the statement is one of those that read and write data.
void RequireAllowed(const duckdb::SQLStatement &statement);

} // namespace tundra
