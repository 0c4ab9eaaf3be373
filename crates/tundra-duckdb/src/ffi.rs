//! The border to C++: the mirror of `cpp/abi.h`, and nothing else.

#![expect(unsafe_code, reason = "declares the functions of the C++ side")]

use std::ffi::c_void;
use std::marker::{PhantomData, PhantomPinned};

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
// Nothing of it is called from Rust, but a crate that is not mentioned is not linked.
use libduckdb_sys as _;

/// Borrowed UTF-8, valid for the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Str {
    pub(crate) data: *const u8,
    pub(crate) len: usize,
}

impl Str {
    pub(crate) fn borrow(text: &str) -> Self {
        Self { data: text.as_ptr(), len: text.len() }
    }

    /// Copies the text. Bytes that are not UTF-8 are replaced.
    ///
    /// # Safety
    ///
    /// `data` points to `len` readable bytes, or `len` is 0.
    pub(crate) unsafe fn copy(self) -> String {
        if self.len == 0 {
            return String::new();
        }
        // SAFETY: the caller vouches for the pointer and the length.
        let bytes = unsafe { std::slice::from_raw_parts(self.data, self.len) };
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// A type that only C++ knows.
macro_rules! opaque {
    ($($name:ident),*) => {$(
        #[repr(C)]
        pub(crate) struct $name {
            data: [u8; 0],
            marker: PhantomData<(*mut u8, PhantomPinned)>,
        }
    )*};
}

opaque!(Text, RawError, RawDatabase);

#[repr(C)]
#[derive(Default)]
pub(crate) struct FileInfo {
    pub(crate) len: u64,
    pub(crate) modified: i64,
    pub(crate) has_modified: bool,
}

#[repr(C)]
pub(crate) struct Callbacks {
    pub(crate) context: *mut c_void,
    pub(crate) drop_context: unsafe extern "C" fn(*mut c_void),

    pub(crate) open: unsafe extern "C" fn(
        *mut c_void,
        Str,
        *mut *mut c_void,
        *mut FileInfo,
        *mut Text,
        *mut Text,
    ) -> u64,
    pub(crate) create: unsafe extern "C" fn(*mut c_void, Str, *mut *mut c_void, *mut Text) -> u64,
    pub(crate) exists: unsafe extern "C" fn(*mut c_void, Str, *mut bool, *mut Text) -> u64,
    pub(crate) remove: unsafe extern "C" fn(*mut c_void, Str, *mut Text) -> u64,

    pub(crate) read_at:
        unsafe extern "C" fn(*const c_void, *mut u8, usize, u64, *mut usize, *mut Text) -> u64,
    pub(crate) drop_read: unsafe extern "C" fn(*mut c_void),

    pub(crate) write: unsafe extern "C" fn(*mut c_void, *const u8, usize, *mut Text) -> u64,
    pub(crate) close: unsafe extern "C" fn(*mut c_void, *mut Text) -> u64,
    pub(crate) abort: unsafe extern "C" fn(*mut c_void),

    pub(crate) stream_next:
        unsafe extern "C" fn(*mut c_void, *mut FFI_ArrowArray, *mut Text) -> u64,
    pub(crate) drop_stream: unsafe extern "C" fn(*mut c_void),
}

#[repr(C)]
pub(crate) struct Sink {
    pub(crate) context: *mut c_void,
    pub(crate) schema: unsafe extern "C" fn(*mut c_void, *mut FFI_ArrowSchema) -> bool,
    pub(crate) batch: unsafe extern "C" fn(*mut c_void, *mut FFI_ArrowArray) -> bool,
}

#[repr(C)]
pub(crate) struct RawOptions {
    pub(crate) memory_limit: u64,
    pub(crate) threads: u64,
    pub(crate) io_threads: u64,
    pub(crate) temp_directory: Str,
    pub(crate) max_temp_size: u64,
    pub(crate) preserve_insertion_order: bool,
    pub(crate) cache_files: bool,
    pub(crate) all_functions: bool,
}

unsafe extern "C" {
    pub(crate) fn tundra_text_set(text: *mut Text, value: Str);

    pub(crate) fn tundra_error_type(error: *const RawError) -> u8;
    pub(crate) fn tundra_error_slot(error: *const RawError) -> u64;
    pub(crate) fn tundra_error_message(error: *const RawError) -> Str;
    pub(crate) fn tundra_error_free(error: *mut RawError);

    pub(crate) fn tundra_database_open(
        options: *const RawOptions,
        host: Callbacks,
        out: *mut *mut RawDatabase,
    ) -> *mut RawError;
    pub(crate) fn tundra_database_free(database: *mut RawDatabase);
    pub(crate) fn tundra_database_run(
        database: *mut RawDatabase,
        sql: Str,
        sink: *const Sink,
        changed: *mut u64,
    ) -> *mut RawError;
    pub(crate) fn tundra_database_add_stream(
        database: *mut RawDatabase,
        name: Str,
        stream: *mut c_void,
        schema: *mut FFI_ArrowSchema,
    ) -> *mut RawError;

    pub(crate) fn tundra_database_interrupt(database: *mut RawDatabase);
    pub(crate) fn tundra_database_progress(database: *const RawDatabase) -> f64;
    pub(crate) fn tundra_database_memory(database: *const RawDatabase) -> u64;
    pub(crate) fn tundra_database_spilled(database: *const RawDatabase) -> u64;

    pub(crate) fn tundra_version() -> Str;
}
