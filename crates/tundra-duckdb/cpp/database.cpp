// The functions that Rust calls. Every one of them ends exceptions.
#include "abi.h"
#include "file_system.hpp"
#include "host.hpp"
#include "sandbox.hpp"
#include "stream.hpp"

#include "duckdb/common/arrow/arrow_converter.hpp"
#include "duckdb/common/arrow/arrow_format.hpp"
#include "duckdb/common/error_data.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/config.hpp"
#include "duckdb/main/query_parameters.hpp"
#include "duckdb/storage/buffer_manager.hpp"

using namespace duckdb; // NOLINT: everything below speaks DuckDB's interface

struct tundra_error {
	explicit tundra_error(const ErrorData &error) : type(error.Type()), message(error.RawMessage()) {
		auto entry = error.ExtraInfo().find(tundra::SLOT_KEY);
		if (entry != error.ExtraInfo().end()) {
			slot = std::stoull(entry->second);
		}
	}

	ExceptionType type;
	uint64_t slot = 0;
	string message;
};

struct tundra_database {
	tundra_database(const tundra_options &options, std::shared_ptr<tundra::Host> host_p)
	    : host(std::move(host_p)), instance(Open(options, host)), connection(instance) {
		auto &buffers = BufferManager::GetBufferManager(*instance.instance);
		buffers.SetSwapLimit(options.max_temp_size);

		auto &context = *connection.context;
		context.RunFunctionInTransaction([&]() {
			tundra::RemoveFunctions(context);
			tundra::RegisterStreamFunction(context);
		});
		// Counts without printing.
		context.config.enable_progress_bar = true;
		context.config.print_progress_bar = false;
		tundra::Lock(DBConfig::GetConfig(*instance.instance));
	}

	static DuckDB Open(const tundra_options &options, const std::shared_ptr<tundra::Host> &host) {
		DBConfig config;
		config.file_system = tundra::CreateFileSystem(host, tundra::Copy(options.temp_directory));
		tundra::Configure(config, options);
		return DuckDB(nullptr, &config);
	}

	void Run(const string &sql, const tundra_sink *sink, uint64_t &changed);

	std::shared_ptr<tundra::Host> host;
	DuckDB instance;
	Connection connection;
};

void tundra_database::Run(const string &sql, const tundra_sink *sink, uint64_t &changed) {
	host->CheckInterrupted();
	auto statements = connection.ExtractStatements(sql);
	if (statements.size() != 1) {
		throw InvalidInputException("expected one statement, not %llu", statements.size());
	}
	tundra::RequireAllowed(*statements[0]);

	// As few batches as DuckDB's threads make, of a size that is still quick to copy.
	constexpr idx_t RESULT_BATCH_ROWS = 65536;
	auto result = connection.Submit(std::move(statements[0]),
	                                QueryParameters(make_shared_ptr<ArrowFormat>(RESULT_BATCH_ROWS)));
	if (host->interrupted) {
		// DuckDB forgot an interrupt that came before it began.
		connection.Interrupt();
	}
	result->ThrowIfError();
	result->Complete();
	result->ThrowIfError();

	const bool counts = result->GetStatementProperties().return_type == StatementReturnType::CHANGED_ROWS;
	auto &arrays = result->Collection<ArrowFormat>();
	if (counts && !arrays.empty()) {
		changed = ArrowFormat::ChangedRows(arrays.front()->arrow_array);
	}
	if (!sink) {
		return;
	}
	ArrowSchemaWrapper schema;
	ArrowConverter::ToArrowSchema(&schema.arrow_schema, result->GetTypes(), IdentifiersToStrings(result->GetNames()),
	                              result->client_properties);
	if (!sink->schema(sink->context, &schema.arrow_schema)) {
		return;
	}
	for (auto &array : arrays) {
		auto shared = ArrowFormat::ShareArray(array);
		if (!sink->batch(sink->context, &shared->arrow_array)) {
			return;
		}
	}
}

namespace {

//! Runs `work` and hands its exception over as a value.
template <class WORK>
tundra_error *Guard(WORK &&work) noexcept {
	try {
		work();
		return nullptr;
	} catch (const std::exception &error) {
		return new tundra_error(ErrorData(error));
	} catch (...) {
		return new tundra_error(ErrorData(ExceptionType::INTERNAL, "unknown exception"));
	}
}

} // namespace

extern "C" {

void tundra_text_set(tundra_text *text, tundra_str value) noexcept {
	*reinterpret_cast<std::string *>(text) = tundra::Copy(value);
}

uint8_t tundra_error_type(const tundra_error *error) noexcept {
	return static_cast<uint8_t>(error->type);
}

uint64_t tundra_error_slot(const tundra_error *error) noexcept {
	return error->slot;
}

tundra_str tundra_error_message(const tundra_error *error) noexcept {
	return tundra::Borrow(error->message);
}

void tundra_error_free(tundra_error *error) noexcept {
	delete error;
}

tundra_error *tundra_database_open(const tundra_options *options, tundra_host host, tundra_database **out) noexcept {
	return Guard([&]() { *out = new tundra_database(*options, std::make_shared<tundra::Host>(host)); });
}

void tundra_database_free(tundra_database *database) noexcept {
	delete database;
}

tundra_error *tundra_database_run(tundra_database *database, tundra_str sql, const tundra_sink *sink,
                                  uint64_t *changed) noexcept {
	return Guard([&]() { database->Run(tundra::Copy(sql), sink, *changed); });
}

tundra_error *tundra_database_add_stream(tundra_database *database, tundra_str name, void *stream,
                                         ArrowSchema *schema) noexcept {
	return Guard([&]() {
		tundra::AddStream(database->connection, database->host, tundra::Copy(name), stream, *schema);
	});
}

void tundra_database_interrupt(tundra_database *database) noexcept {
	database->host->interrupted = true;
	database->connection.Interrupt();
}

double tundra_database_progress(const tundra_database *database) noexcept {
	return database->connection.context->GetQueryProgress().GetPercentage();
}

uint64_t tundra_database_memory(const tundra_database *database) noexcept {
	return BufferManager::GetBufferManager(*database->instance.instance).GetUsedMemory();
}

uint64_t tundra_database_spilled(const tundra_database *database) noexcept {
	return BufferManager::GetBufferManager(*database->instance.instance).GetUsedSwap();
}

tundra_str tundra_version() noexcept {
	const auto version = DuckDB::LibraryVersion();
	return {version, std::char_traits<char>::length(version)};
}
}
