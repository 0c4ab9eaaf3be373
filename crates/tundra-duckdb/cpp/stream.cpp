#include "stream.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/function/table/arrow.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/relation.hpp"
#include "duckdb/parser/parsed_data/create_table_function_info.hpp"
#include "duckdb/parser/tableref/table_function_ref.hpp"

#include <atomic>

namespace tundra {

using namespace duckdb; // NOLINT: everything below speaks DuckDB's interface

namespace {

constexpr const char *STREAM_FUNCTION = "tundra_stream";

//! Owns Rust's stream.
class HostStream {
public:
	HostStream(std::shared_ptr<Host> host_p, void *stream_p) : host(std::move(host_p)), stream(stream_p) {
	}
	~HostStream() {
		host->rust.drop_stream(stream);
	}
	HostStream(const HostStream &) = delete;
	HostStream &operator=(const HostStream &) = delete;

	void Next(ArrowArray &out) {
		host->CheckInterrupted();
		std::string message;
		Host::Check(host->rust.stream_next(stream, &out, Fill(message)), message);
	}

private:
	std::shared_ptr<Host> host;
	void *stream;
};

//! Rust's stream in the clothes that DuckDB's scan expects. It calls these through C++, so they may throw, which keeps
//! the number of the Rust error where an error code and a text would lose it.
unique_ptr<ArrowArrayStreamWrapper> Wrap(unique_ptr<HostStream> stream) {
	auto result = make_uniq<ArrowArrayStreamWrapper>();
	auto &arrow = result->arrow_array_stream;
	arrow.get_schema = nullptr;
	arrow.get_next = [](ArrowArrayStream *self, ArrowArray *out) {
		out->release = nullptr;
		static_cast<HostStream *>(self->private_data)->Next(*out);
		return 0;
	};
	arrow.get_last_error = nullptr;
	arrow.release = [](ArrowArrayStream *self) {
		delete static_cast<HostStream *>(self->private_data);
		self->private_data = nullptr;
		self->release = nullptr;
	};
	arrow.private_data = stream.release();
	return result;
}

//! What a view carries: one stream, to be scanned once.
struct StreamInfo : public TableFunctionInfo {
	StreamInfo(string name_p, unique_ptr<HostStream> stream_p, ArrowSchema &schema_p)
	    : name(std::move(name_p)), stream(std::move(stream_p)) {
		schema.arrow_schema = schema_p;
		schema_p.release = nullptr;
	}

	unique_ptr<ArrowArrayStreamWrapper> Take() {
		lock_guard<mutex> guard(lock);
		if (!stream) {
			throw InvalidInputException("the stream \"%s\" can be read only once", name);
		}
		return Wrap(std::move(stream));
	}

	const string name;
	ArrowSchemaWrapper schema;

private:
	mutex lock;
	unique_ptr<HostStream> stream;
};

struct StreamBindData : public TableFunctionData {
	explicit StreamBindData(shared_ptr<TableFunctionInfo> info_p) : info(std::move(info_p)) {
	}

	StreamInfo &Info() const {
		return info->Cast<StreamInfo>();
	}

	shared_ptr<TableFunctionInfo> info;
	ArrowTableSchema columns;
};

//! DuckDB's Arrow scan, which pulls one batch at a time under a lock and numbers it, so that the order survives many
//! threads. Ours differs in that the stream delivers all its columns and DuckDB converts those that it needs.
struct StreamFunction : public ArrowTableFunction {
	static unique_ptr<FunctionData> Bind(ClientContext &context, TableFunctionBindInput &input,
	                                     vector<LogicalType> &types, vector<Identifier> &names) {
		auto info = dynamic_cast<StreamInfo *>(input.ref.bind_info.get());
		if (!info) {
			throw BinderException("%s is not for queries: select from the name of the stream", STREAM_FUNCTION);
		}
		auto result = make_uniq<StreamBindData>(input.ref.bind_info);
		PopulateArrowTableSchema(context, result->columns, info->schema.arrow_schema);
		names = StringsToIdentifiers(result->columns.GetNames());
		types = result->columns.GetTypes();
		if (types.empty()) {
			throw InvalidInputException("the stream \"%s\" has no columns", info->name);
		}
		for (auto &column : result->columns.GetColumns()) {
			column.second->ThrowIfInvalid();
		}
		return std::move(result);
	}

	static unique_ptr<GlobalTableFunctionState> InitGlobal(ClientContext &context, TableFunctionInitInput &input) {
		auto result = make_uniq<ArrowScanGlobalState>();
		result->stream = input.bind_data->Cast<StreamBindData>().Info().Take();
		result->max_threads = ArrowScanMaxThreads(context, input.bind_data.get());
		return std::move(result);
	}

	static unique_ptr<LocalTableFunctionState> InitLocal(ExecutionContext &context, TableFunctionInitInput &input,
	                                                     GlobalTableFunctionState *global) {
		auto result = make_uniq<ArrowScanLocalState>(make_uniq<ArrowArrayWrapper>(), context.client);
		result->column_ids = input.column_ids;
		if (!ArrowScanParallelStateNext(context.client, input.bind_data.get(), *result,
		                                global->Cast<ArrowScanGlobalState>())) {
			return nullptr;
		}
		return std::move(result);
	}

	static void Scan(ClientContext &context, TableFunctionInput &input, DataChunk &output) {
		if (!input.local_state) {
			return;
		}
		auto &state = input.local_state->Cast<ArrowScanLocalState>();
		if (state.chunk_offset >= NumericCast<idx_t>(state.chunk->arrow_array.length) &&
		    !ArrowScanParallelStateNext(context, input.bind_data.get(), state,
		                                input.global_state->Cast<ArrowScanGlobalState>())) {
			return;
		}
		const auto left = NumericCast<idx_t>(state.chunk->arrow_array.length) - state.chunk_offset;
		output.SetChildCardinality(MinValue<idx_t>(STANDARD_VECTOR_SIZE, left));
		ArrowToDuckDB(state, input.bind_data->Cast<StreamBindData>().columns.GetColumns(), output, false);
		state.chunk_offset += output.size();
	}

	static TableFunction Create() {
		TableFunction function(STREAM_FUNCTION, {}, Scan, Bind, InitGlobal, InitLocal);
		function.cardinality = ArrowScanCardinality;
		function.get_partition_data = ArrowGetPartitionData;
		function.projection_pushdown = true;
		function.filter_pushdown = false;
		return function;
	}
};

} // namespace

void RegisterStreamFunction(ClientContext &context) {
	CreateTableFunctionInfo info(StreamFunction::Create());
	info.internal = true;
	Catalog::GetSystemCatalog(context).CreateTableFunction(context, info);
}

void AddStream(Connection &connection, const std::shared_ptr<Host> &host, const string &name, void *stream,
               ArrowSchema &schema) {
	auto info = make_shared_ptr<StreamInfo>(name, make_uniq<HostStream>(host, stream), schema);
	connection.TableFunction(STREAM_FUNCTION, {}, {}, std::move(info))->CreateView(Identifier(name), false, false);
}

} // namespace tundra
