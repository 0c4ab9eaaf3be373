#include "file_system.hpp"

namespace tundra {

using namespace duckdb; // NOLINT: everything below speaks DuckDB's interface

namespace {

//! Stands where DuckDB has the machine's file system: nothing exists, nothing can be made.
class NoFileSystem final : public FileSystem {
public:
	unique_ptr<FileHandle> OpenFile(const string &path, FileOpenFlags flags, optional_ptr<FileOpener>) override {
		if (flags.ReturnNullIfNotExists() && !flags.OpenForWriting()) {
			return nullptr;
		}
		throw PermissionException("\"%s\" is outside of \"%s\"", path, SCHEME);
	}
	bool FileExists(const string &, optional_ptr<FileOpener>) override {
		return false;
	}
	bool DirectoryExists(const string &, optional_ptr<FileOpener>) override {
		return false;
	}
	bool IsPipe(const string &, optional_ptr<FileOpener>) override {
		return false;
	}
	vector<OpenFileInfo> Glob(const string &, FileOpener *) override {
		return {};
	}
	bool CanSeek() override {
		return true;
	}
	string PathSeparator(const string &) override {
		return "/";
	}
	string CanonicalizePath(const string &path, optional_ptr<FileOpener>) override {
		return path;
	}
	std::string GetName() const override {
		return "NoFileSystem";
	}
};

} // namespace

unique_ptr<VirtualFileSystem> CreateFileSystem(const std::shared_ptr<Host> &host, const string &spill_directory) {
	auto result = make_uniq<VirtualFileSystem>(make_uniq<NoFileSystem>());
	result->RegisterSubSystem(CreateRustFileSystem(host));
	if (!spill_directory.empty()) {
		result->RegisterSubSystem(CreateSpillFileSystem(spill_directory));
	}
	// DuckDB keeps a local file system of its own for extensions and secrets.
	result->SetDisabledFileSystems({"LocalFileSystem"});
	return result;
}

} // namespace tundra
