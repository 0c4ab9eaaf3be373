//! What every [`Storage`] does, as functions that panic where one does not.
//!
//! Start at [`run_all`]. Each behaviour writes only below a random prefix of its own, so that the
//! store may hold other things; what it wrote, it leaves. The suite does not try what needs a
//! broken store: full disks, lost connections and killed processes are for each store's own tests.

use std::{error::Error as StdError, ops::Range, time::SystemTime};

use bytes::Bytes;
use futures::future::{join, join_all};
use uuid::Uuid;

use crate::{
    object_path::ObjectPath,
    storage::{IfExists, ObjectInfo, ObjectWriter, Storage, StorageError},
};

/// Larger than four parts of 5 MiB, the least that stores with multipart uploads take, and no
/// multiple of anything.
const LARGE: usize = (20 << 20) + 12_345;

/// Runs every behaviour of this module in turn.
///
/// # Panics
/// Panics when the store lacks one, and names it.
pub async fn run_all(storage: &dyn Storage) {
    reads_back_what_it_wrote(storage).await;
    reads_back_before_publishing(storage).await;
    shows_nothing_before_publish(storage).await;
    leaves_nothing_after_abort_or_drop(storage).await;
    refuses_to_replace_unless_asked(storage).await;
    one_of_two_creators_wins(storage).await;
    replaces_when_asked(storage).await;
    keeps_the_old_object_when_a_replacement_is_given_up(storage).await;
    keeps_reading_the_pinned_version_or_fails(storage).await;
    lists_sorted_below_a_prefix(storage).await;
    copies_without_replacing_unless_asked(storage).await;
    delete_may_be_called_twice(storage).await;
    missing_objects_are_not_found(storage).await;
    ranges_are_exact(storage).await;
    empty_objects_exist(storage).await;
    carries_large_objects(storage).await;
    keeps_awkward_names(storage).await;
    serves_concurrent_readers(storage).await;
    shows_places_by_their_path(storage);
}

/// An object reads as it was written, in whatever pieces, and everybody says the same of it.
pub async fn reads_back_what_it_wrote(storage: &dyn Storage) {
    let test = Test::new(storage, "reads_back_what_it_wrote");
    let path = test.path("deep/er/object.bin");
    let data = noise(200_000, 1);
    let mut writer = test.create(&path, IfExists::Fail).await;
    let mut rest = data.clone();
    for size in [0, 1, 10, 70_000, 3] {
        test.write(&mut writer, rest.split_to(size)).await;
    }
    test.write(&mut writer, rest).await;
    let published = test.publish(writer).await;
    test.same("the path of the published object", &published.path, &path);
    test.same("the size of the published object", &published.size, &200_000);

    let head = test.ok("look at it", storage.head(&path).await);
    test.same("the path of the object", &head.path, &path);
    test.same("the size of the object", &head.size, &200_000);
    if published.etag.is_some() {
        test.same("the tag of the published object", &published.etag, &head.etag);
    }
    let reader = test.ok("open it", storage.open(&path).await);
    test.same("what the reader knows", reader.info(), &head);
    let read = test.ok("read it", reader.read(0..200_000).await);
    test.same_bytes("the content", &read, &data);
    test.ok("check that it is unchanged", reader.check_unchanged().await);
    if let Some(file) = reader.as_file() {
        let metadata = test.ok_io("look at the open file", file.metadata());
        test.same("the size of the open file", &metadata.len(), &200_000);
    }
}

/// What was written can be read before it is published, as far back as the store says, and
/// reading it does not disturb the writing.
pub async fn reads_back_before_publishing(storage: &dyn Storage) {
    let test = Test::new(storage, "reads_back_before_publishing");
    let path = test.path("object.bin");
    let data = noise(LARGE, 2);
    let mut writer = test.create(&path, IfExists::Fail).await;
    let window = storage.capabilities().read_back_window.unwrap_or(u64::MAX);
    let mut written = 0;
    for end in [5, 1000, 4 << 20, LARGE] {
        test.write(&mut writer, data.slice(written..end)).await;
        written = end;
        let held = usize::try_from(window).unwrap_or(usize::MAX).min(written);
        let start = written - held;
        for range in [start..written, start..start + 1, written - 5..written, written..written] {
            let step = format!("read back the bytes {range:?} of {written}");
            let read = test.ok(&step, writer.read_back(wide(&range)).await);
            test.same_bytes(&step, &read, &data[range]);
        }
    }
    let beyond = writer.read_back(wide(&(LARGE..LARGE + 1))).await;
    test.refused("reading back what was not written", beyond);
    test.publish(writer).await;
    test.holds(&path, &data).await;
}

/// An object appears at publishing and not earlier, however much of it was written.
pub async fn shows_nothing_before_publish(storage: &dyn Storage) {
    let test = Test::new(storage, "shows_nothing_before_publish");
    let path = test.path("object.bin");
    let data = noise(LARGE, 3);
    let mut writer = test.create(&path, IfExists::Fail).await;
    test.is_absent(&path).await;
    test.write(&mut writer, data.clone()).await;
    test.is_absent(&path).await;
    test.ok("flush it", writer.flush().await);
    test.is_absent(&path).await;
    test.publish(writer).await;
    test.holds(&path, &data).await;
    test.same("the listed objects", &test.listed().await, &vec![path]);
}

/// An object that was given up was never there, and its name is free.
pub async fn leaves_nothing_after_abort_or_drop(storage: &dyn Storage) {
    let test = Test::new(storage, "leaves_nothing_after_abort_or_drop");
    for (number, size) in [(0, 0), (1, 10), (2, LARGE)] {
        let path = test.path(&format!("{number}.bin"));
        let data = noise(size, 4);

        let mut writer = test.create(&path, IfExists::Fail).await;
        test.write(&mut writer, data.clone()).await;
        test.ok("abort it", writer.abort().await);
        test.is_absent(&path).await;

        let mut writer = test.create(&path, IfExists::Fail).await;
        test.write(&mut writer, data.clone()).await;
        test.ok("flush it", writer.flush().await);
        test.ok("abort it after that", writer.abort().await);
        test.is_absent(&path).await;

        let mut writer = test.create(&path, IfExists::Fail).await;
        test.write(&mut writer, data.clone()).await;
        drop(writer);
        test.is_absent(&path).await;

        test.put(&path, IfExists::Fail, data.clone()).await;
        test.holds(&path, &data).await;
    }
}

/// [`IfExists::Fail`] never replaces: not what was there, and not what came meanwhile.
pub async fn refuses_to_replace_unless_asked(storage: &dyn Storage) {
    let test = Test::new(storage, "refuses_to_replace_unless_asked");
    let path = test.path("object.bin");
    for size in [100, LARGE] {
        let (first, second) = (noise(size, 5), noise(size, 6));
        let mut late = test.create(&path, IfExists::Fail).await;
        test.write(&mut late, second.clone()).await;
        test.put(&path, IfExists::Fail, first.clone()).await;
        test.already_exists("publishing over what came meanwhile", late.publish().await);
        test.holds(&path, &first).await;

        test.already_exists(
            "creating what is there",
            storage.create(&path, IfExists::Fail).await.map(drop),
        );
        test.holds(&path, &first).await;
        test.ok("delete it", storage.delete(&path).await);
    }
}

/// Of two that publish one name at once with [`IfExists::Fail`], one succeeds and the other is told.
///
/// Only for stores that say so in [`crate::StorageCapabilities::atomic_create`].
pub async fn one_of_two_creators_wins(storage: &dyn Storage) {
    let test = Test::new(storage, "one_of_two_creators_wins");
    if !storage.capabilities().atomic_create {
        return;
    }
    for round in 0..20 {
        let path = test.path(&format!("{round}.bin"));
        let contents = [noise(10_000, 7), noise(20_000, 8)];
        let mut writers = Vec::new();
        for data in &contents {
            let mut writer = test.create(&path, IfExists::Fail).await;
            test.write(&mut writer, data.clone()).await;
            writers.push(writer.publish());
        }
        let published = join_all(writers).await;
        let winner = published.iter().position(Result::is_ok);
        let Some(winner) = winner else { test.fail("neither of the two could publish") };
        for (number, result) in published.into_iter().enumerate() {
            if number != winner {
                test.already_exists("publishing second", result);
            }
        }
        test.holds(&path, &contents[winner]).await;
    }
}

/// [`IfExists::Replace`] replaces what is there, needs nothing to be there, and of two at once one
/// comes last.
pub async fn replaces_when_asked(storage: &dyn Storage) {
    let test = Test::new(storage, "replaces_when_asked");
    let path = test.path("object.bin");
    for (size, seed) in [(50, 9), (LARGE, 10), (0, 11), (50, 12)] {
        let data = noise(size, seed);
        let published = test.put(&path, IfExists::Replace, data.clone()).await;
        test.same("the size of the replacement", &published.size, &(size as u64));
        test.holds(&path, &data).await;
    }
    let contents = [noise(10_000, 13), noise(20_000, 14)];
    let [one, other] =
        contents.clone().map(|data| async { test.put(&path, IfExists::Replace, data).await });
    let (one, other) = join(one, other).await;
    let now = test.ok("look at it", storage.head(&path).await);
    let last = if now.size == one.size { 0 } else { 1 };
    test.same("the size after both", &now.size, &[one.size, other.size][last]);
    test.holds(&path, &contents[last]).await;
}

/// A replacement that is not published changes nothing.
pub async fn keeps_the_old_object_when_a_replacement_is_given_up(storage: &dyn Storage) {
    let test = Test::new(storage, "keeps_the_old_object_when_a_replacement_is_given_up");
    let path = test.path("object.bin");
    let old = noise(1000, 15);
    let before = test.put(&path, IfExists::Fail, old.clone()).await;

    let mut writer = test.create(&path, IfExists::Replace).await;
    test.write(&mut writer, noise(LARGE, 16)).await;
    test.holds(&path, &old).await;
    test.ok("abort it", writer.abort().await);
    let mut writer = test.create(&path, IfExists::Replace).await;
    test.write(&mut writer, noise(10, 17)).await;
    drop(writer);

    test.holds(&path, &old).await;
    if before.etag.is_some() {
        let now = test.ok("look at it", storage.head(&path).await);
        test.same("the tag of the old object", &now.etag, &before.etag);
    }
}

/// A reader gets the bytes of the version that it opened, or [`StorageError::Changed`]; never
/// those of another version, even one of the same size.
pub async fn keeps_reading_the_pinned_version_or_fails(storage: &dyn Storage) {
    let test = Test::new(storage, "keeps_reading_the_pinned_version_or_fails");
    let path = test.path("object.bin");
    let old = noise(300_000, 18);
    let unchanged_or_told = async |reader: &dyn crate::ObjectReader| {
        for range in [0..1, 1000..200_000, 299_999..300_000, 0..300_000] {
            match reader.read(wide(&range)).await {
                Ok(read) => test.same_bytes("what the old reader reads", &read, &old[range]),
                Err(StorageError::Changed { .. }) => {}
                Err(error) => test.fail(&format!("the old reader got {}", chain(&error))),
            }
        }
        match reader.check_unchanged().await {
            Ok(()) => {
                let read = test.ok("read what is unchanged", reader.read(0..300_000).await);
                test.same_bytes("what is unchanged", &read, &old);
            }
            Err(StorageError::Changed { .. }) => {}
            Err(error) => test.fail(&format!("checking the old reader got {}", chain(&error))),
        }
    };

    test.put(&path, IfExists::Fail, old.clone()).await;
    let reader = test.ok("open it", storage.open(&path).await);
    let begun = test.ok("begin to read", reader.read(0..1000).await);
    test.same_bytes("the beginning", &begun, &old[..1000]);
    test.put(&path, IfExists::Replace, noise(300_000, 19)).await;
    unchanged_or_told(reader.as_ref()).await;
    test.put(&path, IfExists::Replace, noise(10, 20)).await;
    unchanged_or_told(reader.as_ref()).await;

    test.put(&path, IfExists::Replace, old.clone()).await;
    let reader = test.ok("open it again", storage.open(&path).await);
    test.ok("delete it", storage.delete(&path).await);
    unchanged_or_told(reader.as_ref()).await;
}

/// Listing gives every object below the prefix and no other, sorted, each as [`Storage::head`]
/// describes it.
pub async fn lists_sorted_below_a_prefix(storage: &dyn Storage) {
    let test = Test::new(storage, "lists_sorted_below_a_prefix");
    test.same("the objects below nothing", &test.listed().await, &Vec::new());
    let names = ["b.bin", "a/z.bin", "a/b/c.bin", "a-1/x.bin", "a.bin", "ab/x.bin", "ä/x.bin", "B"];
    for (size, name) in names.iter().enumerate() {
        test.put(&test.path(name), IfExists::Fail, noise(size, 21)).await;
    }
    let _unfinished = test.create(&test.path("a/unfinished.bin"), IfExists::Fail).await;

    let mut expected: Vec<ObjectPath> = names.iter().map(|name| test.path(name)).collect();
    expected.sort();
    test.same("all objects", &test.listed().await, &expected);
    let below = async |text| test.ok("list", storage.list(Some(&test.path(text))).await);
    let paths = |infos: Vec<ObjectInfo>| -> Vec<_> { infos.into_iter().map(|i| i.path).collect() };
    let expected: Vec<_> = ["a/b/c.bin", "a/z.bin"].map(|name| test.path(name)).into();
    test.same("the objects below `a`", &paths(below("a").await), &expected);
    test.same("the objects below an object", &paths(below("b.bin").await), &Vec::new());
    test.same("the objects below nothing", &paths(below("c").await), &Vec::new());

    for info in below("a").await {
        let head = test.ok("look at what is listed", storage.head(&info.path).await);
        test.same("the size of what is listed", &info.size, &head.size);
        // A list may know no tag.
        if info.etag.is_some() {
            test.same("the tag of what is listed", &info.etag, &head.etag);
        }
        // Stores tell the time to the second in one place and more exactly in another.
        test.same("the time of what is listed", &seconds(&info), &seconds(&head));
    }
    let everything = test.ok("list everything", storage.list(None).await);
    if !everything.iter().any(|info| info.path == test.path("a/b/c.bin")) {
        test.fail("listing everything left an object out");
    }
    if !everything.is_sorted_by(|a, b| a.path < b.path) {
        test.fail("the list of everything is not sorted");
    }
}

/// A copy is another object with the same bytes; it replaces another one only when asked.
pub async fn copies_without_replacing_unless_asked(storage: &dyn Storage) {
    let test = Test::new(storage, "copies_without_replacing_unless_asked");
    let to = test.path("a/copy.bin");
    for size in [0, 1000, LARGE] {
        let from = test.path(&format!("{size}.bin"));
        let data = noise(size, 30);
        test.put(&from, IfExists::Fail, data.clone()).await;
        let copied = test.ok("copy it", storage.copy(&from, &to, IfExists::Replace).await);
        test.same("the path of the copy", &copied.path, &to);
        test.same("the size of the copy", &copied.size, &(size as u64));
        test.holds(&to, &data).await;
        test.holds(&from, &data).await;

        let other = test.path(&format!("{size}.other"));
        test.ok("copy it elsewhere", storage.copy(&from, &other, IfExists::Fail).await);
        test.holds(&other, &data).await;
    }
    let small = test.path("1000.bin");
    test.already_exists(
        "copying over what is there",
        storage.copy(&small, &to, IfExists::Fail).await.map(drop),
    );
    test.holds(&to, &noise(LARGE, 30)).await;
    match storage.copy(&test.path("none.bin"), &to, IfExists::Replace).await {
        Err(StorageError::NotFound { .. }) => {}
        Err(error) => test.fail(&format!("copying what is not there got {}", chain(&error))),
        Ok(_) => test.fail("what is not there was copied"),
    }
    test.holds(&to, &noise(LARGE, 30)).await;
}

/// Deleting removes one object, and succeeds when there is none.
pub async fn delete_may_be_called_twice(storage: &dyn Storage) {
    let test = Test::new(storage, "delete_may_be_called_twice");
    let (path, other) = (test.path("a/object.bin"), test.path("a/other.bin"));
    test.put(&path, IfExists::Fail, noise(10, 22)).await;
    test.put(&other, IfExists::Fail, noise(20, 23)).await;
    for _ in 0..2 {
        test.ok("delete it", storage.delete(&path).await);
        test.is_absent(&path).await;
    }
    test.ok("delete what never was", storage.delete(&test.path("no/such.bin")).await);
    test.ok("delete below an object", storage.delete(&test.path("a/other.bin/x")).await);
    test.holds(&other, &noise(20, 23)).await;
    test.put(&path, IfExists::Fail, noise(30, 24)).await;
    test.holds(&path, &noise(30, 24)).await;
}

/// What is not there is [`StorageError::NotFound`], and the error says what.
pub async fn missing_objects_are_not_found(storage: &dyn Storage) {
    let test = Test::new(storage, "missing_objects_are_not_found");
    test.put(&test.path("a.bin"), IfExists::Fail, noise(10, 25)).await;
    for name in ["b.bin", "no/such/directory.bin", "a.bin/below", "a", "*.bin"] {
        let path = test.path(name);
        test.is_absent(&path).await;
        let Err(error) = storage.head(&path).await else {
            test.fail("what is absent has a head");
        };
        if !error.to_string().contains(path.file_name()) {
            test.fail(&format!("`{error}` does not name `{path}`"));
        }
    }
}

/// A range gives its bytes and no others; one that leaves the object is refused.
pub async fn ranges_are_exact(storage: &dyn Storage) {
    let test = Test::new(storage, "ranges_are_exact");
    let path = test.path("object.bin");
    let data = noise(100_001, 26);
    test.put(&path, IfExists::Fail, data.clone()).await;
    let reader = test.ok("open it", storage.open(&path).await);
    for range in [
        0..0,
        0..1,
        0..100_001,
        1..2,
        4095..4097,
        65_535..65_537,
        99_999..100_001,
        100_000..100_001,
        100_001..100_001,
    ] {
        let step = format!("read the bytes {range:?}");
        let read = test.ok(&step, reader.read(wide(&range)).await);
        test.same_bytes(&step, &read, &data[range]);
    }
    let reversed = Range { start: 7, end: 3 };
    for range in [0..100_002, 100_001..100_002, 100_002..100_002, 0..u64::MAX, reversed] {
        test.refused(&format!("reading the bytes {range:?}"), reader.read(range).await);
    }
    test.ok("check that it is unchanged", reader.check_unchanged().await);
}

/// An object without bytes is an object.
pub async fn empty_objects_exist(storage: &dyn Storage) {
    let test = Test::new(storage, "empty_objects_exist");
    let path = test.path("empty.bin");
    let mut writer = test.create(&path, IfExists::Fail).await;
    let read = test.ok("read back nothing", writer.read_back(0..0).await);
    test.same_bytes("what was read back", &read, &[]);
    let published = test.publish(writer).await;
    test.same("the size", &published.size, &0);
    test.holds(&path, &[]).await;
    test.same("the listed objects", &test.listed().await, &vec![path]);
}

/// Objects of several parts arrive whole, in whatever pieces they are written.
pub async fn carries_large_objects(storage: &dyn Storage) {
    let test = Test::new(storage, "carries_large_objects");
    let data = noise(LARGE, 27);
    for piece in [LARGE, (1 << 20) + 7, 5 << 20, 100_000] {
        let path = test.path(&format!("{piece}.bin"));
        let mut writer = test.create(&path, IfExists::Fail).await;
        let mut rest = data.clone();
        while !rest.is_empty() {
            test.write(&mut writer, rest.split_to(piece.min(rest.len()))).await;
        }
        let published = test.publish(writer).await;
        test.same("the size", &published.size, &(LARGE as u64));
        test.holds(&path, &data).await;
    }
}

/// Names are kept as they are, and no two of them are one.
pub async fn keeps_awkward_names(storage: &dyn Storage) {
    let test = Test::new(storage, "keeps_awkward_names");
    let names = [
        "with space",
        " leading",
        "trailing ",
        "trailing.",
        ".hidden",
        "-dash",
        "~tilde",
        "100%",
        "%41",
        "A",
        "%2F",
        "%2e%2e",
        "a+b",
        "a&b=c",
        "a#b",
        "a?b=c",
        "a:b",
        "a@b",
        "a;b,c",
        "a\\b",
        "*.csv",
        "[x]",
        "{y}",
        "<z>",
        "a|b",
        "`a`",
        "$HOME",
        "'quoted'",
        "\"double\"",
        "'; DROP TABLE x; --",
        "äöü ß",
        "日本語.csv",
        "🦀",
        "é",
        "year=2026/month=11/data.csv",
        "...",
        "a..b",
    ];
    let long = "n".repeat(100);
    let mut kept = Vec::new();
    for (number, name) in names.into_iter().chain([long.as_str()]).enumerate() {
        let path = test.path(name);
        match test.try_put(&path, noise(number, 28)).await {
            // Azure takes a backslash for a slash; a store that does so refuses the name.
            Err(StorageError::InvalidName { .. }) if name.contains('\\') => {}
            put => {
                test.ok(&format!("write `{path}`"), put);
                kept.push((number, path));
            }
        }
    }
    for (number, path) in &kept {
        test.holds(path, &noise(*number, 28)).await;
    }
    let mut expected: Vec<ObjectPath> = kept.iter().map(|(_, path)| path.clone()).collect();
    expected.sort();
    test.same("the listed objects", &test.listed().await, &expected);
    for (_, path) in kept {
        test.ok("delete it", storage.delete(&path).await);
        test.is_absent(&path).await;
    }
}

/// One reader serves many at once, and so do many readers.
pub async fn serves_concurrent_readers(storage: &dyn Storage) {
    let test = Test::new(storage, "serves_concurrent_readers");
    let path = test.path("object.bin");
    let data = noise(1 << 20, 29);
    test.put(&path, IfExists::Fail, data.clone()).await;
    let shared = test.ok("open it", storage.open(&path).await);
    join_all((0..64_usize).map(|number| {
        let (test, path, data, shared) = (&test, &path, &data, &shared);
        async move {
            let start = number * 7919;
            let range = start..start + 500_000;
            let reader = match number % 4 {
                0 => test.ok("open it again", storage.open(path).await),
                _ => std::sync::Arc::clone(shared),
            };
            let read = test.ok("read at the same time", reader.read(wide(&range)).await);
            test.same_bytes("what was read at the same time", &read, &data[range]);
        }
    }))
    .await;
}

/// What a person is shown names the object.
pub fn shows_places_by_their_path(storage: &dyn Storage) {
    let test = Test::new(storage, "shows_places_by_their_path");
    let path = test.path("a b/ä.csv");
    let shown = storage.display(&path);
    if !shown.ends_with(path.as_str()) {
        test.fail(&format!("`{path}` is shown as `{shown}`"));
    }
}

/// One behaviour being tested on one store.
struct Test<'a> {
    storage: &'a dyn Storage,
    behaviour: &'static str,
    prefix: String,
}

impl<'a> Test<'a> {
    fn new(storage: &'a dyn Storage, behaviour: &'static str) -> Self {
        Self { storage, behaviour, prefix: format!("conformance-{}", Uuid::new_v4()) }
    }

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        panic!("storage conformance, `{}`: {what}", self.behaviour)
    }

    #[track_caller]
    fn ok<T>(&self, step: &str, result: Result<T, StorageError>) -> T {
        result.unwrap_or_else(|error| self.fail(&format!("could not {step}: {}", chain(&error))))
    }

    #[track_caller]
    fn ok_io<T>(&self, step: &str, result: std::io::Result<T>) -> T {
        result.unwrap_or_else(|error| self.fail(&format!("could not {step}: {error}")))
    }

    #[track_caller]
    fn same<T: PartialEq + std::fmt::Debug>(&self, what: &str, actual: &T, expected: &T) {
        if actual != expected {
            self.fail(&format!("{what} should be {expected:?} but is {actual:?}"));
        }
    }

    #[track_caller]
    fn same_bytes(&self, what: &str, actual: &[u8], expected: &[u8]) {
        if actual.len() != expected.len() {
            let (actual, expected) = (actual.len(), expected.len());
            self.fail(&format!("{what}: {actual} bytes instead of {expected}"));
        }
        if let Some(at) = actual.iter().zip(expected).position(|(a, b)| a != b) {
            self.fail(&format!("{what}: the byte {at} is wrong"));
        }
    }

    #[track_caller]
    fn refused<T>(&self, what: &str, result: Result<T, StorageError>) {
        if result.is_ok() {
            self.fail(&format!("{what} was not refused"));
        }
    }

    #[track_caller]
    fn already_exists<T>(&self, what: &str, result: Result<T, StorageError>) {
        match result {
            Ok(_) => self.fail(&format!("{what} was not refused")),
            Err(StorageError::AlreadyExists { .. }) => {}
            Err(error) => {
                self.fail(&format!("{what} was not `AlreadyExists` but {}", chain(&error)));
            }
        }
    }

    fn path(&self, name: &str) -> ObjectPath {
        let path = format!("{}/{name}", self.prefix).parse();
        path.unwrap_or_else(|error| self.fail(&format!("the suite is wrong: {error}")))
    }

    async fn create(&self, path: &ObjectPath, if_exists: IfExists) -> Box<dyn ObjectWriter> {
        let step = format!("create `{path}`");
        self.ok(&step, self.storage.create(path, if_exists).await)
    }

    async fn write(&self, writer: &mut Box<dyn ObjectWriter>, data: Bytes) {
        self.ok("write", writer.write(data).await);
    }

    async fn publish(&self, writer: Box<dyn ObjectWriter>) -> ObjectInfo {
        self.ok("publish", writer.publish().await)
    }

    async fn put(&self, path: &ObjectPath, if_exists: IfExists, data: Bytes) -> ObjectInfo {
        let mut writer = self.create(path, if_exists).await;
        self.write(&mut writer, data).await;
        self.publish(writer).await
    }

    async fn try_put(&self, path: &ObjectPath, data: Bytes) -> Result<ObjectInfo, StorageError> {
        let mut writer = self.storage.create(path, IfExists::Fail).await?;
        writer.write(data).await?;
        writer.publish().await
    }

    /// Checks that the object has exactly these bytes.
    async fn holds(&self, path: &ObjectPath, data: &[u8]) {
        let reader = self.ok(&format!("open `{path}`"), self.storage.open(path).await);
        self.same("the size", &reader.info().size, &(data.len() as u64));
        let read = self.ok(&format!("read `{path}`"), reader.read(0..reader.info().size).await);
        self.same_bytes(&format!("the content of `{path}`"), &read, data);
        self.ok("check that it is unchanged", reader.check_unchanged().await);
    }

    /// Checks that nobody sees an object of this name.
    async fn is_absent(&self, path: &ObjectPath) {
        for result in
            [self.storage.head(path).await.map(drop), self.storage.open(path).await.map(drop)]
        {
            match result {
                Err(StorageError::NotFound { .. }) => {}
                Ok(()) => self.fail(&format!("`{path}` should not be there")),
                Err(error) => {
                    self.fail(&format!("`{path}` was not `NotFound` but {}", chain(&error)));
                }
            }
        }
        if self.listed().await.contains(path) {
            self.fail(&format!("`{path}` should not be listed"));
        }
    }

    /// Returns what the store lists of this test's objects.
    async fn listed(&self) -> Vec<ObjectPath> {
        let prefix = self.prefix.parse();
        let prefix = prefix.unwrap_or_else(|error| {
            self.fail(&format!("the suite is wrong: {error}"));
        });
        let listed = self.ok("list", self.storage.list(Some(&prefix)).await);
        listed.into_iter().map(|info| info.path).collect()
    }
}

/// Returns when an object was last written, in seconds.
fn seconds(info: &ObjectInfo) -> Option<u64> {
    let since = info.modified?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}

fn wide(range: &Range<usize>) -> Range<u64> {
    range.start as u64..range.end as u64
}

/// Returns the error's text with those of its causes.
fn chain(error: &StorageError) -> String {
    let mut text = format!("`{error}`");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(", caused by `{error}`"));
        cause = error.source();
    }
    text
}

/// Returns bytes without a pattern (xorshift), the same for the same seed, so that bytes in a wrong
/// place or of a wrong object show.
fn noise(length: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 7);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    Bytes::from(bytes)
}
