// tundra:// — the file system that Rust implements.
#include "file_system.hpp"

#include "duckdb/common/string_util.hpp"

#include <functional>

namespace tundra {

using namespace duckdb; // NOLINT: everything below speaks DuckDB's interface

namespace {

class RustHandle : public FileHandle {
public:
	RustHandle(FileSystem &fs, const string &path, FileOpenFlags flags, std::shared_ptr<Host> host_p, void *file_p)
	    : FileHandle(fs, path, std::move(flags)), host(std::move(host_p)), file(file_p) {
	}

	virtual idx_t ReadAt(data_ptr_t, idx_t, idx_t) {
		throw IOException("\"%s\" is open for writing only", path);
	}
	virtual void Append(const_data_ptr_t, idx_t) {
		throw IOException("\"%s\" is open for reading only", path);
	}
	virtual void Abort() {
		Close();
	}
	virtual idx_t Size() const = 0;

	idx_t position = 0;

protected:
	std::shared_ptr<Host> host;
	//! Rust's file; null once it was closed.
	void *file;
};

class ReadHandle final : public RustHandle {
public:
	ReadHandle(FileSystem &fs, const string &path, FileOpenFlags flags, std::shared_ptr<Host> host_p, void *file_p,
	           const tundra_file_info &info_p, string version_p)
	    : RustHandle(fs, path, std::move(flags), std::move(host_p), file_p), info(info_p),
	      version(std::move(version_p)) {
	}
	~ReadHandle() override {
		Release();
	}

	//! Returns less than `size` only at the end of the file.
	idx_t ReadAt(data_ptr_t buffer, idx_t size, idx_t offset) override {
		if (!file) {
			throw IOException("\"%s\" was closed", path);
		}
		if (offset >= info.len) {
			return 0;
		}
		const auto wanted = MinValue<idx_t>(size, info.len - offset);
		idx_t total = 0;
		while (total < wanted) {
			host->CheckInterrupted();
			size_t count = 0;
			std::string message;
			Host::Check(
			    host->rust.read_at(file, buffer + total, wanted - total, offset + total, &count, Fill(message)),
			    message);
			if (count == 0) {
				// DuckDB would take it for the end of the file and go on with part of the data.
				throw IOException("\"%s\" ended after %llu bytes, but has %llu", path, offset + total, info.len);
			}
			total += count;
		}
		return total;
	}
	idx_t Size() const override {
		return info.len;
	}
	void Close() override {
		Release();
	}

	const tundra_file_info info;
	const string version;

private:
	void Release() {
		if (file) {
			host->rust.drop_read(file);
			file = nullptr;
		}
	}
};

//! Written from start to end. Closing hands the file to Rust, which decides with the outcome of the statement; a
//! handle that is destroyed without that was given up.
class WriteHandle final : public RustHandle {
public:
	using RustHandle::RustHandle;
	~WriteHandle() override {
		GiveUp();
	}

	void Append(const_data_ptr_t data, idx_t size) override {
		if (!file) {
			throw IOException("\"%s\" was closed", path);
		}
		host->CheckInterrupted();
		std::string message;
		Host::Check(host->rust.write(file, data, size, Fill(message)), message);
		position += size;
	}
	void Close() override {
		if (!file) {
			return;
		}
		auto closing = file;
		file = nullptr;
		std::string message;
		Host::Check(host->rust.close(closing, Fill(message)), message);
	}
	void Abort() override {
		GiveUp();
	}
	idx_t Size() const override {
		return position;
	}

private:
	void GiveUp() {
		if (file) {
			host->rust.abort(file);
			file = nullptr;
		}
	}
};

class RustFileSystem final : public FileSystem {
public:
	explicit RustFileSystem(std::shared_ptr<Host> host_p) : host(std::move(host_p)) {
	}

	unique_ptr<FileHandle> OpenFile(const string &path, FileOpenFlags flags, optional_ptr<FileOpener>) override {
		host->CheckInterrupted();
		const auto name = Name(path);
		void *file = nullptr;
		std::string message;
		if (flags.OpenForWriting()) {
			if (flags.OpenForReading() || flags.OpenForAppending()) {
				throw NotImplementedException("\"%s\" can be written only as a whole", path);
			}
			if (flags.ExclusiveCreate() && Exists(path)) {
				if (flags.ReturnNullIfExists()) {
					return nullptr;
				}
				throw IOException("\"%s\" exists already", path);
			}
			Host::Check(host->rust.create(host->rust.context, Borrow(name), &file, Fill(message)), message);
			return make_uniq<WriteHandle>(*this, path, std::move(flags), host, file);
		}
		if (flags.ReturnNullIfNotExists() && !Exists(path)) {
			return nullptr;
		}
		tundra_file_info info {};
		std::string version;
		Host::Check(
		    host->rust.open(host->rust.context, Borrow(name), &file, &info, Fill(version), Fill(message)), message);
		return make_uniq<ReadHandle>(*this, path, std::move(flags), host, file, info, std::move(version));
	}

	void Read(FileHandle &handle, void *buffer, int64_t size, idx_t location) override {
		const auto wanted = NumericCast<idx_t>(size);
		const auto count = Open(handle).ReadAt(data_ptr_cast(buffer), wanted, location);
		if (count != wanted) {
			throw IOException("could not read %llu bytes at %llu of \"%s\", which has %llu", wanted, location,
			                  handle.path, Open(handle).Size());
		}
	}
	int64_t Read(FileHandle &handle, void *buffer, int64_t size) override {
		auto &file = Open(handle);
		const auto count = file.ReadAt(data_ptr_cast(buffer), NumericCast<idx_t>(size), file.position);
		file.position += count;
		return NumericCast<int64_t>(count);
	}
	void Write(FileHandle &handle, void *data, int64_t size, idx_t location) override {
		if (location != Open(handle).position) {
			throw NotImplementedException("\"%s\" can be written only from start to end: %llu bytes were written, and "
			                              "the next ones are for %llu",
			                              handle.path, Open(handle).position, location);
		}
		Open(handle).Append(const_data_ptr_cast(data), NumericCast<idx_t>(size));
	}
	int64_t Write(FileHandle &handle, void *data, int64_t size) override {
		Open(handle).Append(const_data_ptr_cast(data), NumericCast<idx_t>(size));
		return size;
	}
	void FileSync(FileHandle &) override {
		// Durability comes with closing.
	}
	void AbortFileWrite(FileHandle &handle) override {
		Open(handle).Abort();
	}

	void Seek(FileHandle &handle, idx_t location) override {
		auto &file = Open(handle);
		if (handle.GetFlags().OpenForWriting() && location != file.position) {
			throw NotImplementedException("\"%s\" can be written only from start to end", handle.path);
		}
		file.position = location;
	}
	idx_t SeekPosition(FileHandle &handle) override {
		return Open(handle).position;
	}
	bool CanSeek() override {
		return true;
	}
	bool OnDiskFile(FileHandle &) override {
		return false;
	}

	int64_t GetFileSize(FileHandle &handle) override {
		return NumericCast<int64_t>(Open(handle).Size());
	}
	FileType GetFileType(FileHandle &) override {
		return FileType::FILE_TYPE_REGULAR;
	}
	timestamp_t GetLastModifiedTime(FileHandle &handle) override {
		auto file = dynamic_cast<ReadHandle *>(&handle);
		return timestamp_t(file && file->info.has_modified ? file->info.modified : 0);
	}
	string GetVersionTag(FileHandle &handle) override {
		auto file = dynamic_cast<ReadHandle *>(&handle);
		return file ? file->version : string();
	}

	bool FileExists(const string &path, optional_ptr<FileOpener>) override {
		return Exists(path);
	}
	void RemoveFile(const string &path, optional_ptr<FileOpener>) override {
		const auto name = Name(path);
		std::string message;
		Host::Check(host->rust.remove(host->rust.context, Borrow(name), Fill(message)), message);
	}
	//! Names are taken literally: there is nothing to search, and `*` may be part of a name.
	vector<OpenFileInfo> Glob(const string &path, FileOpener *) override {
		vector<OpenFileInfo> result;
		if (Exists(path)) {
			result.emplace_back(path);
		}
		return result;
	}

	//! Asked about every file that is to be written, so it answers; the rest of the directory functions refuse.
	bool DirectoryExists(const string &, optional_ptr<FileOpener>) override {
		return false;
	}
	void CreateDirectory(const string &path, optional_ptr<FileOpener>) override {
		throw NotImplementedException("there are no directories in \"%s\"", path);
	}
	void RemoveDirectory(const string &path, optional_ptr<FileOpener>) override {
		throw NotImplementedException("there are no directories in \"%s\"", path);
	}
	bool ListFiles(const string &path, const std::function<void(const string &, bool)> &, FileOpener *) override {
		throw NotImplementedException("files cannot be listed in \"%s\"", path);
	}
	void MoveFile(const string &source, const string &, optional_ptr<FileOpener>) override {
		throw NotImplementedException("\"%s\" cannot be renamed: write it with USE_TMP_FILE false", source);
	}
	void Truncate(FileHandle &handle, int64_t) override {
		throw NotImplementedException("\"%s\" cannot be truncated", handle.path);
	}
	bool IsPipe(const string &, optional_ptr<FileOpener>) override {
		return false;
	}

	bool CanHandleFile(const string &path) override {
		return StringUtil::StartsWith(path, SCHEME);
	}
	string PathSeparator(const string &) override {
		return "/";
	}
	string CanonicalizePath(const string &path, optional_ptr<FileOpener>) override {
		return path;
	}
	std::string GetName() const override {
		return "TundraFileSystem";
	}

private:
	static RustHandle &Open(FileHandle &handle) {
		return handle.Cast<RustHandle>();
	}
	static std::string Name(const string &path) {
		return path.substr(std::char_traits<char>::length(SCHEME));
	}
	bool Exists(const string &path) {
		const auto name = Name(path);
		bool exists = false;
		std::string message;
		Host::Check(host->rust.exists(host->rust.context, Borrow(name), &exists, Fill(message)), message);
		return exists;
	}

	std::shared_ptr<Host> host;
};

} // namespace

unique_ptr<FileSystem> CreateRustFileSystem(const std::shared_ptr<Host> &host) {
	return make_uniq<RustFileSystem>(host);
}

} // namespace tundra
