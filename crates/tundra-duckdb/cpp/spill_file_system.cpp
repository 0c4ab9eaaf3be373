// tundra-spill:// — the directory for what does not fit in memory.
#include "file_system.hpp"

#include "duckdb/common/file_opener.hpp"
#include "duckdb/common/string_util.hpp"

#include <functional>

namespace tundra {

using namespace duckdb; // NOLINT: everything below speaks DuckDB's interface

namespace {

//! Files directly inside one local directory, for DuckDB's buffer manager alone. The buffer manager opens files on
//! behalf of the database; whatever SQL asks for comes on behalf of a client, and is refused.
class SpillFileSystem final : public FileSystem {
public:
	explicit SpillFileSystem(const string &directory_p)
	    : root(SpillRoot(directory_p)), directory(directory_p), local(FileSystem::CreateLocal()) {
	}

	//! The handle belongs to the local file system, which does all that follows.
	unique_ptr<FileHandle> OpenFile(const string &path, FileOpenFlags flags, optional_ptr<FileOpener> opener) override {
		return local->OpenFile(Real(path, opener), std::move(flags), opener);
	}
	optional<FileMetadata> GetStatsIfExists(const OpenFileInfo &file, optional_ptr<FileOpener> opener) override {
		return local->GetStatsIfExists(OpenFileInfo(Real(file.path, opener)), opener);
	}
	bool FileExists(const string &path, optional_ptr<FileOpener> opener) override {
		return local->FileExists(Real(path, opener), opener);
	}
	void RemoveFile(const string &path, optional_ptr<FileOpener> opener) override {
		local->RemoveFile(Real(path, opener), opener);
	}
	bool DirectoryExists(const string &path, optional_ptr<FileOpener> opener) override {
		return local->DirectoryExists(Real(path, opener), opener);
	}
	void CreateDirectory(const string &path, optional_ptr<FileOpener> opener) override {
		local->CreateDirectory(Real(path, opener), opener);
	}
	bool RemoveDirectoryExtended(const string &path, const RemoveDirectoryOptions &options,
	                             optional_ptr<FileOpener> opener) override {
		if (options.mode != RemoveDirectoryMode::SINGLE) {
			throw PermissionException("\"%s\" may not be removed with what is in it", path);
		}
		return local->RemoveDirectoryExtended(Real(path, opener), options, opener);
	}
	bool ListFiles(const string &path, const std::function<void(const string &, bool)> &callback,
	               FileOpener *opener) override {
		return local->ListFiles(Real(path, opener), callback, opener);
	}
	vector<OpenFileInfo> Glob(const string &path, FileOpener *opener) override {
		throw PermissionException("\"%s\" may not be listed", Real(path, opener));
	}
	bool IsPipe(const string &, optional_ptr<FileOpener>) override {
		return false;
	}
	bool CanSeek() override {
		return true;
	}

	bool CanHandleFile(const string &path) override {
		return StringUtil::StartsWith(path, root);
	}
	string PathSeparator(const string &) override {
		return "/";
	}
	string CanonicalizePath(const string &path, optional_ptr<FileOpener>) override {
		return path;
	}
	std::string GetName() const override {
		return "TundraSpillFileSystem";
	}

private:
	string Real(const string &path, optional_ptr<FileOpener> opener) const {
		if (!FileOpener::TryGetDatabase(opener) || FileOpener::TryGetClientContext(opener)) {
			throw PermissionException("\"%s\" is not open to queries", path);
		}
		if (path == root) {
			return directory;
		}
		const auto name = path.substr(MinValue(path.size(), root.size() + 1));
		if (name.empty() || name[0] == '.' || name.find_first_of("/\\") != string::npos) {
			throw PermissionException("\"%s\" is no spill file", path);
		}
		return directory + "/" + name;
	}

	const string root;
	const string directory;
	const unique_ptr<FileSystem> local;
};

} // namespace

string SpillRoot(const string &directory) {
	// DuckDB sweeps what dead processes left once per name and process, so the name must be the directory's own. This
	// is FNV-1a: a name, not a secret, for queries that know it are refused as well.
	uint64_t hash = 0xcbf29ce484222325;
	for (const unsigned char byte : directory) {
		hash = (hash ^ byte) * 0x100000001b3;
	}
	return StringUtil::Format("tundra-spill://%llu", hash);
}

unique_ptr<FileSystem> CreateSpillFileSystem(const string &directory) {
	return make_uniq<SpillFileSystem>(directory);
}

} // namespace tundra
