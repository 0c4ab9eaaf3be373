// What the C++ side knows of Rust: the callbacks, and how their failures become exceptions.
#pragma once

#include "abi.h"
#include "duckdb.hpp"

#include <atomic>
#include <string>

namespace tundra {

//! The key under which an exception carries the number of the Rust error behind it.
constexpr const char *SLOT_KEY = "tundra_slot";

inline tundra_str Borrow(const std::string &text) {
	return {text.data(), text.size()};
}

inline std::string Copy(tundra_str text) {
	return text.len == 0 ? std::string() : std::string(text.data, text.len);
}

inline tundra_text *Fill(std::string &text) {
	return reinterpret_cast<tundra_text *>(&text);
}

//! Shared by the file system, the open files and the streams of one database.
struct Host {
	explicit Host(const tundra_host &rust_p) : rust(rust_p) {
	}
	~Host() {
		rust.drop_context(rust.context);
	}
	Host(const Host &) = delete;
	Host &operator=(const Host &) = delete;

	//! Throws if the callback that returned `slot` failed.
	static void Check(uint64_t slot, const std::string &message) {
		if (slot != 0) {
			duckdb::unordered_map<duckdb::string, duckdb::string> extra {{SLOT_KEY, std::to_string(slot)}};
			throw duckdb::IOException(extra, message);
		}
	}

	//! Throws once the database was interrupted. Not called where DuckDB cleans up.
	void CheckInterrupted() const {
		if (interrupted.load(std::memory_order_relaxed)) {
			throw duckdb::InterruptException();
		}
	}

	const tundra_host rust;
	//! Stays set. DuckDB clears its own flag whenever a statement begins, so that one set just before would be lost.
	std::atomic<bool> interrupted {false};
};

} // namespace tundra
