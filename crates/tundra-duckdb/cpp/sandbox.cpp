#include "sandbox.hpp"

#include "file_system.hpp"

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"
#include "duckdb/main/config.hpp"
#include "duckdb/main/extension/linked_extension_registry.hpp"
#include "duckdb/parser/parsed_data/create_info.hpp"
#include "duckdb/parser/parsed_data/drop_info.hpp"
#include "duckdb/parser/statement/create_statement.hpp"
#include "duckdb/parser/statement/drop_statement.hpp"
#include "duckdb/parser/statement/explain_statement.hpp"
#include "duckdb/parser/statement/multi_statement.hpp"

namespace tundra {

using namespace duckdb; // NOLINT: everything below speaks DuckDB's interface

namespace {

//! The table functions that stay: readers, which open files only through the file system, and generators. A new DuckDB
//! may bring functions that nobody has looked at, so this is what is kept, not what is removed.
const char *const TABLE_FUNCTIONS[] = {
    "generate_series", "json_each", "json_tree", "parquet_bloom_probe", "parquet_file_metadata",
    "parquet_full_metadata", "parquet_kv_metadata", "parquet_metadata", "parquet_scan", "parquet_schema", "range",
    "read_blob", "read_csv", "read_csv_auto", "read_json", "read_json_auto", "read_json_objects",
    "read_json_objects_auto", "read_ndjson", "read_ndjson_auto", "read_ndjson_objects", "read_parquet", "read_text",
    "repeat", "repeat_row", "seq_scan", "sniff_csv", "summary", "unnest"};

//! Scalar functions are pure but for these, which read settings and secrets, write logs or stall.
const char *const REMOVED_SCALAR_FUNCTIONS[] = {"current_setting", "getenv",   "parse_duckdb_log_message",
                                                "sleep_ms",        "which_secret", "write_log"};

template <size_t N>
bool Contains(const char *const (&names)[N], const Identifier &name) {
	for (auto candidate : names) {
		if (name == Identifier(candidate)) {
			return true;
		}
	}
	return false;
}

void RemoveWhere(ClientContext &context, SchemaCatalogEntry &schema, CatalogType type,
                 const std::function<bool(const Identifier &)> &remove) {
	vector<Identifier> names;
	// Without the context, DuckDB leaves out its macros, which it would have to parse. They can do no more than the
	// functions that they call.
	schema.Scan(type, [&](CatalogEntry &entry) {
		// Scalar and aggregate functions, and table functions and macros, share a set each.
		if (entry.type == type && remove(entry.name)) {
			names.push_back(entry.name);
		}
	});
	for (auto &name : names) {
		DropInfo info;
		info.type = type;
		info.SetQualifiedName(SYSTEM_CATALOG, DEFAULT_SCHEMA, name);
		info.allow_drop_internal = true;
		info.cascade = true;
		schema.DropEntry(context, info);
	}
}

//! The libraries of functions that DuckDB's core does without. What else is linked in stays.
const char *const LEFT_OUT_LIBRARIES[] = {"core_functions", "json"};

//! DuckDB takes the libraries of its program that are not named here, so they are named with nothing to load.
void LeaveOutLibraries(DBConfig &config) {
	for (auto &linked : LinkedExtensionRegistry::Get()) {
		if (Contains(LEFT_OUT_LIBRARIES, Identifier(linked.name))) {
			linked.load = nullptr;
			config.linked_extensions.push_back(std::move(linked));
		}
	}
}

//! Throws unless it is data, or a way of looking at data, that is made or dropped: secrets have the same statements.
void RequireData(const char *verb, CatalogType type) {
	switch (type) {
	case CatalogType::TABLE_ENTRY:
	case CatalogType::VIEW_ENTRY:
	case CatalogType::MACRO_ENTRY:
	case CatalogType::TABLE_MACRO_ENTRY:
	case CatalogType::TYPE_ENTRY:
	case CatalogType::SCHEMA_ENTRY:
	case CatalogType::SEQUENCE_ENTRY:
		return;
	default:
		throw PermissionException("%s %s is not allowed here", verb, CatalogTypeToString(type));
	}
}

} // namespace

void Configure(DBConfig &config, const tundra_options &options) {
	config.options.maximum_memory = options.memory_limit;
	config.options.maximum_threads = options.threads;
	config.options.async_threads = options.io_threads;
	const auto spill_directory = Copy(options.temp_directory);
	config.options.use_temporary_directory = !spill_directory.empty();
	config.options.temporary_directory = spill_directory.empty() ? string() : SpillRoot(spill_directory);

	config.SetOptionByName("preserve_insertion_order", Value::BOOLEAN(options.preserve_insertion_order));
	config.SetOptionByName("enable_external_file_cache", Value::BOOLEAN(options.cache_files));
	config.SetOptionByName("autoinstall_known_extensions", Value::BOOLEAN(false));
	config.SetOptionByName("autoload_known_extensions", Value::BOOLEAN(false));
	config.SetOptionByName("allow_community_extensions", Value::BOOLEAN(false));
	config.SetOptionByName("allow_unsigned_extensions", Value::BOOLEAN(false));
	config.SetOptionByName("allow_persistent_secrets", Value::BOOLEAN(false));
	config.SetOptionByName("allow_unredacted_secrets", Value::BOOLEAN(false));
	// `~` in a path would otherwise become the user's home directory, and stand in the message that refuses it.
	config.SetOptionByName("home_directory", Value("/nonexistent"));
	// `SHOW name` would otherwise tell the setting of that name.
	config.SetOptionByName("show_behavior", Value("table"));
	// Otherwise taken from the environment.
	config.options.http_proxy = "none";

	config.AddAllowedDirectory(SCHEME);
	if (!spill_directory.empty()) {
		// For the buffer manager. The file system keeps queries out.
		config.AddAllowedDirectory(SpillRoot(spill_directory));
	}
	config.SetOptionByName("enable_external_access", Value::BOOLEAN(false));

	if (!options.all_functions) {
		LeaveOutLibraries(config);
	}
}

void RemoveFunctions(ClientContext &context) {
	auto &schema = Catalog::GetSystemCatalog(context).GetSchema(context, Identifier::DefaultSchema());
	RemoveWhere(context, schema, CatalogType::TABLE_FUNCTION_ENTRY,
	            [](const Identifier &name) { return !Contains(TABLE_FUNCTIONS, name); });
	RemoveWhere(context, schema, CatalogType::SCALAR_FUNCTION_ENTRY,
	            [](const Identifier &name) { return Contains(REMOVED_SCALAR_FUNCTIONS, name); });
	// Pragmas change settings without asking whether they are locked.
	RemoveWhere(context, schema, CatalogType::PRAGMA_FUNCTION_ENTRY, [](const Identifier &) { return true; });
}

void Lock(DBConfig &config) {
	// Otherwise bytes that a file calls geometries are read as DuckDB's own, which are of fewer kinds and are written
	// in one way only.
	config.SetOptionByName("enable_geoparquet_conversion", Value::BOOLEAN(false));
	config.SetOptionByName("lock_configuration", Value::BOOLEAN(true));
}

void RequireAllowed(const SQLStatement &statement) {
	switch (statement.type) {
	case StatementType::SELECT_STATEMENT:
	case StatementType::COPY_STATEMENT:
	case StatementType::INSERT_STATEMENT:
	case StatementType::UPDATE_STATEMENT:
	case StatementType::DELETE_STATEMENT:
	case StatementType::MERGE_INTO_STATEMENT:
		return;
	case StatementType::EXPLAIN_STATEMENT:
		RequireAllowed(*statement.Cast<ExplainStatement>().stmt);
		return;
	case StatementType::MULTI_STATEMENT:
		for (auto &part : statement.Cast<MultiStatement>().statements) {
			RequireAllowed(*part);
		}
		return;
	case StatementType::CREATE_STATEMENT:
		RequireData("CREATE", statement.Cast<CreateStatement>().info->type);
		return;
	case StatementType::DROP_STATEMENT:
		RequireData("DROP", statement.Cast<DropStatement>().info->type);
		return;
	default:
		throw PermissionException("%s statements are not allowed here", StatementTypeToString(statement.type));
	}
}

} // namespace tundra
