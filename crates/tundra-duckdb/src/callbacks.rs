//! The callbacks that C++ calls for files.
//!
//! Each catches panics, keeps an error under a number and returns the number. What a failure means,
//! and what becomes of a file, is decided elsewhere.

#![expect(unsafe_code, reason = "called by C++ with raw pointers")]

use std::ffi::c_void;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{BoxError, Error, Operation, Result};
use crate::failures::catch;
use crate::ffi::{Callbacks, FileInfo, Str, Text, tundra_text_set};
use crate::file_system::ReadFile;
use crate::host::{Host, Writing};
use crate::stream;

/// A file that C++ reads.
struct OpenRead {
    host: Arc<Host>,
    path: String,
    file: Arc<dyn ReadFile>,
}

/// A file that C++ writes.
struct OpenWrite {
    host: Arc<Host>,
    path: String,
    writing: Arc<Writing>,
}

/// Returns what C++ calls. It holds a reference to the host until `drop_context`.
pub(crate) fn callbacks(host: &Arc<Host>) -> Callbacks {
    Callbacks {
        context: Arc::into_raw(Arc::clone(host)).cast_mut().cast(),
        drop_context,
        open,
        create,
        exists,
        remove,
        read_at,
        drop_read,
        write,
        close,
        abort,
        stream_next: stream::next,
        drop_stream: stream::drop_stream,
    }
}

/// Runs the body of a callback and returns what C++ expects: 0, or the number of the error.
///
/// # Safety
///
/// `message` is the text that came with the call.
pub(crate) unsafe fn answer(
    host: &Host,
    message: *mut Text,
    operation: Operation,
    name: &str,
    work: impl FnOnce() -> Result<()>,
) -> u64 {
    let panicked = |message| Error::Panicked { operation, name: name.to_owned(), message };
    let error = match catch(work) {
        Ok(Ok(())) => return 0,
        Ok(Err(error)) => error,
        Err(message) => panicked(message),
    };
    // Printing somebody else's error may panic as well.
    let (number, words) = catch(|| host.failures.keep(error))
        .unwrap_or_else(|message| host.failures.keep(panicked(message)));
    // SAFETY: the caller vouches for `message`; the words live until the call is over.
    unsafe { tundra_text_set(message, Str::borrow(&words)) };
    number
}

fn failed(path: &str, operation: Operation) -> impl FnOnce(BoxError) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, operation, source }
}

/// # Safety
///
/// `context` came from [`callbacks`] and was not dropped.
unsafe fn host<'a>(context: *mut c_void) -> &'a Host {
    // SAFETY: the caller vouches for the pointer, and C++ holds its reference for the whole call.
    unsafe { &*context.cast_const().cast::<Host>() }
}

/// # Safety
///
/// As for [`host`].
unsafe fn host_arc(context: *mut c_void) -> Arc<Host> {
    let pointer = context.cast_const().cast::<Host>();
    // SAFETY: the pointer came from `Arc::into_raw`, and the new reference is counted first.
    unsafe {
        Arc::increment_strong_count(pointer);
        Arc::from_raw(pointer)
    }
}

unsafe extern "C" fn drop_context(context: *mut c_void) {
    // SAFETY: C++ calls this once, as its last use of the context.
    let host = unsafe { Arc::from_raw(context.cast_const().cast::<Host>()) };
    let _ = catch(|| drop(host));
}

unsafe extern "C" fn open(
    context: *mut c_void,
    path: Str,
    file: *mut *mut c_void,
    info: *mut FileInfo,
    version: *mut Text,
    message: *mut Text,
) -> u64 {
    // SAFETY: C++ passes the context and a path that lives for the call.
    let (host, path) = unsafe { (host_arc(context), path.copy()) };
    let work = || {
        let opened = host.files.open(&path).map_err(failed(&path, Operation::Open))?;
        let modified = opened.modified().map(microseconds);
        let described = FileInfo {
            len: opened.len(),
            modified: modified.unwrap_or(0),
            has_modified: modified.is_some(),
        };
        if let Some(tag) = opened.version() {
            // SAFETY: `version` is a text that lives for the call.
            unsafe { tundra_text_set(version, Str::borrow(tag)) };
        }
        let open = Box::new(OpenRead { host: Arc::clone(&host), path: path.clone(), file: opened });
        // SAFETY: both are places of C++ that live for the call. C++ gives the box back in
        // `drop_read`.
        unsafe {
            info.write(described);
            file.write(Box::into_raw(open).cast());
        }
        Ok(())
    };
    // SAFETY: `message` came with the call.
    unsafe { answer(&host, message, Operation::Open, &path, work) }
}

unsafe extern "C" fn create(
    context: *mut c_void,
    path: Str,
    file: *mut *mut c_void,
    message: *mut Text,
) -> u64 {
    // SAFETY: C++ passes the context and a path that lives for the call.
    let (host, path) = unsafe { (host_arc(context), path.copy()) };
    let work = || {
        let created = host.files.create(&path).map_err(failed(&path, Operation::Create))?;
        let writing = host.begin(created);
        let open = Box::new(OpenWrite { host: Arc::clone(&host), path: path.clone(), writing });
        // SAFETY: `file` is a place of C++ that lives for the call. C++ gives the box back in
        // `close` or `abort`.
        unsafe { file.write(Box::into_raw(open).cast()) };
        Ok(())
    };
    // SAFETY: `message` came with the call.
    unsafe { answer(&host, message, Operation::Create, &path, work) }
}

unsafe extern "C" fn exists(
    context: *mut c_void,
    path: Str,
    found: *mut bool,
    message: *mut Text,
) -> u64 {
    // SAFETY: C++ passes the context and a path that lives for the call.
    let (host, path) = unsafe { (host(context), path.copy()) };
    let work = || {
        let exists = host.files.exists(&path).map_err(failed(&path, Operation::Exists))?;
        // SAFETY: `found` is a place of C++ that lives for the call.
        unsafe { found.write(exists) };
        Ok(())
    };
    // SAFETY: `message` came with the call.
    unsafe { answer(host, message, Operation::Exists, &path, work) }
}

unsafe extern "C" fn remove(context: *mut c_void, path: Str, message: *mut Text) -> u64 {
    // SAFETY: C++ passes the context and a path that lives for the call.
    let (host, path) = unsafe { (host(context), path.copy()) };
    let work = || host.files.remove(&path).map_err(failed(&path, Operation::Remove));
    // SAFETY: `message` came with the call.
    unsafe { answer(host, message, Operation::Remove, &path, work) }
}

unsafe extern "C" fn read_at(
    file: *const c_void,
    buffer: *mut u8,
    len: usize,
    offset: u64,
    count: *mut usize,
    message: *mut Text,
) -> u64 {
    // SAFETY: C++ passes what `open` gave it, and drops it only when no read is under way. Threads
    // share it.
    let open = unsafe { &*file.cast::<OpenRead>() };
    let work = || {
        // SAFETY: C++ lends `len` writable bytes for the call; it asks for at least one.
        let buffer = unsafe { std::slice::from_raw_parts_mut(buffer, len) };
        let failed = failed(&open.path, Operation::Read);
        let read = match open.file.read_at(buffer, offset) {
            Ok(read) if read > len => {
                return Err(failed(format!("{read} bytes were read into {len}").into()));
            }
            Ok(read) => read,
            Err(source) => return Err(failed(source)),
        };
        // SAFETY: `count` is a place of C++ that lives for the call.
        unsafe { count.write(read) };
        Ok(())
    };
    // SAFETY: `message` came with the call.
    unsafe { answer(&open.host, message, Operation::Read, &open.path, work) }
}

unsafe extern "C" fn drop_read(file: *mut c_void) {
    // SAFETY: C++ calls this once, as its last use of what `open` gave it.
    let open = unsafe { Box::from_raw(file.cast::<OpenRead>()) };
    let _ = catch(|| drop(open));
}

unsafe extern "C" fn write(
    file: *mut c_void,
    data: *const u8,
    len: usize,
    message: *mut Text,
) -> u64 {
    // SAFETY: C++ passes what `create` gave it, and gives it back only when no write is under way.
    let OpenWrite { host, path, writing } = unsafe { &*file.cast_const().cast::<OpenWrite>() };
    if len == 0 {
        return 0;
    }
    let work = || {
        // SAFETY: C++ lends `len` readable bytes for the call.
        let data = unsafe { std::slice::from_raw_parts(data, len) };
        host.write(writing, data).map_err(failed(path, Operation::Write))
    };
    // SAFETY: `message` came with the call.
    let number = unsafe { answer(host, message, Operation::Write, path, work) };
    if number != 0 {
        // It may have been a panic that failed.
        let _ = catch(|| writing.give_up());
    }
    number
}

unsafe extern "C" fn close(file: *mut c_void, message: *mut Text) -> u64 {
    // SAFETY: C++ gives back what `create` gave it, once.
    let open = unsafe { Box::from_raw(file.cast::<OpenWrite>()) };
    let OpenWrite { host, path, writing } = *open;
    let work = || host.close(&path, &writing).map_err(failed(&path, Operation::Close));
    // SAFETY: `message` came with the call.
    unsafe { answer(&host, message, Operation::Close, &path, work) }
}

unsafe extern "C" fn abort(file: *mut c_void) {
    // SAFETY: C++ gives back what `create` gave it, once.
    let open = unsafe { Box::from_raw(file.cast::<OpenWrite>()) };
    let _ = catch(|| open.writing.give_up());
}

/// Returns microseconds since 1970, as DuckDB counts time.
fn microseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => {
            i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros)
        }
    }
}
