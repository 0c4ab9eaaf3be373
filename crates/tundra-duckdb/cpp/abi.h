// The border between Rust and C++, in plain C. `src/ffi.rs` mirrors every line of it.
//
// Two rules hold on both sides. Nothing unwinds across: Rust catches panics in every callback, and
// every function here catches exceptions. And ownership moves only where a comment says so.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ArrowArray;
struct ArrowSchema;

extern "C" {

// Borrowed bytes: UTF-8, not terminated, valid for the call.
typedef struct {
	const char *data;
	size_t len;
} tundra_str;

// A C++ string that Rust fills.
typedef struct tundra_text tundra_text;
void tundra_text_set(tundra_text *text, tundra_str value) noexcept;

typedef struct {
	uint64_t len;
	// Microseconds since 1970; meaningful if `has_modified`.
	int64_t modified;
	bool has_modified;
} tundra_file_info;

// What C++ calls. A callback that returns a number returns 0, or the number under which Rust keeps
// the error; it has then put into `message` what DuckDB shall say. Callbacks come from any thread.
typedef struct {
	// Owned by C++ until `drop_context`.
	void *context;
	void (*drop_context)(void *context);

	uint64_t (*open)(void *context, tundra_str path, void **file, tundra_file_info *info, tundra_text *version,
	                 tundra_text *message);
	uint64_t (*create)(void *context, tundra_str path, void **file, tundra_text *message);
	uint64_t (*exists)(void *context, tundra_str path, bool *exists, tundra_text *message);
	uint64_t (*remove)(void *context, tundra_str path, tundra_text *message);

	uint64_t (*read_at)(const void *file, uint8_t *buffer, size_t len, uint64_t offset, size_t *count,
	                    tundra_text *message);
	void (*drop_read)(void *file);

	uint64_t (*write)(void *file, const uint8_t *data, size_t len, tundra_text *message);
	// Takes the file. Rust keeps it open until the statement has ended.
	uint64_t (*close)(void *file, tundra_text *message);
	// Takes the file.
	void (*abort)(void *file);

	// Leaves `out` released at the end of the stream.
	uint64_t (*stream_next)(void *stream, struct ArrowArray *out, tundra_text *message);
	void (*drop_stream)(void *stream);
} tundra_host;

// Where the rows of a query go. Both callbacks take the Arrow structure and return whether to go on.
typedef struct {
	void *context;
	bool (*schema)(void *context, struct ArrowSchema *schema);
	bool (*batch)(void *context, struct ArrowArray *batch);
} tundra_sink;

typedef struct {
	uint64_t memory_limit;
	uint64_t threads;
	uint64_t io_threads;
	// Empty: nothing is spilled.
	tundra_str temp_directory;
	uint64_t max_temp_size;
	bool preserve_insertion_order;
	bool cache_files;
	// Otherwise only those of DuckDB's core and of Parquet.
	bool all_functions;
} tundra_options;

// Why a call failed; null says that it did not.
typedef struct tundra_error tundra_error;
// DuckDB's `ExceptionType`.
uint8_t tundra_error_type(const tundra_error *error) noexcept;
// The number of the Rust error behind it, or 0.
uint64_t tundra_error_slot(const tundra_error *error) noexcept;
tundra_str tundra_error_message(const tundra_error *error) noexcept;
void tundra_error_free(tundra_error *error) noexcept;

typedef struct tundra_database tundra_database;

// Takes `host.context`, also when it fails.
tundra_error *tundra_database_open(const tundra_options *options, tundra_host host, tundra_database **out) noexcept;
void tundra_database_free(tundra_database *database) noexcept;
// Runs one statement to its end. One caller at a time; the functions below may be called meanwhile.
tundra_error *tundra_database_run(tundra_database *database, tundra_str sql, const tundra_sink *sink,
                                  uint64_t *changed) noexcept;
// Takes `stream` and `schema`, also when it fails.
tundra_error *tundra_database_add_stream(tundra_database *database, tundra_str name, void *stream,
                                         struct ArrowSchema *schema) noexcept;

void tundra_database_interrupt(tundra_database *database) noexcept;
// A percentage; negative if unknown.
double tundra_database_progress(const tundra_database *database) noexcept;
uint64_t tundra_database_memory(const tundra_database *database) noexcept;
uint64_t tundra_database_spilled(const tundra_database *database) noexcept;

// Static text.
tundra_str tundra_version() noexcept;
}
