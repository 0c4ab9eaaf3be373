// Arrow streams of Rust as tables of DuckDB.
#pragma once

#include "host.hpp"

namespace tundra {

//! Adds the table function that scans streams. SQL cannot call it to any effect: the stream does not come as an
//! argument, but with the view that `AddStream` makes.
void RegisterStreamFunction(duckdb::ClientContext &context);

//! Makes the view `name` of the stream. Takes the stream and the schema, also when it fails.
void AddStream(duckdb::Connection &connection, const std::shared_ptr<Host> &host, const duckdb::string &name,
               void *stream, ArrowSchema &schema);

} // namespace tundra
