//! Which containers stand around the data, and how to get through them.

use std::io::{self, Read};

use crate::{
    Codec, Container, Error, Limits, Meter, Source, Stream,
    archive::{self, Entry, Packing, tar, zip},
    codec::{Crc, Decompressor},
    shown::shown,
    stream::{Checked, Counted, Exactly, skip},
};

/// A container around the data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layer {
    /// A compression.
    Compressed(Codec),
    /// A member of an archive.
    Member {
        /// The archive.
        archive: Container,
        /// The member's name, which may be anything; see [`shown`].
        name: Vec<u8>,
    },
}

/// A way through the containers around data.
#[derive(Debug, Clone)]
pub struct Unpacked {
    /// What was undone before: the source is what came out of it.
    undone: Vec<Codec>,
    steps: Vec<Step>,
    limits: Limits,
    head: Vec<u8>,
    is_whole: bool,
    packed_size: u64,
}

/// A member of an archive, and where it is.
#[derive(Debug, Clone)]
pub struct Member {
    /// What stood around the archive, and no longer does.
    undone: Vec<Codec>,
    /// What stands around the archive.
    steps: Vec<Step>,
    archive: Container,
    entry: Entry,
}

impl Member {
    /// Returns its name in full, with what a terminal would act on written as an escape.
    pub fn name(&self) -> String {
        self.entry.escaped()
    }

    /// Returns its name as messages have it: shortened.
    pub fn shown(&self) -> String {
        self.entry.shown()
    }

    /// Returns the way to the archive itself, where something stands around it. Whoever reads several members
    /// of such an archive unpacks it once and takes them [out of that](Self::of_archive): each of them is
    /// reached through all that stands before it.
    pub fn archive(&self, source: &dyn Source, limits: Limits) -> Option<Unpacked> {
        let steps = self.steps.clone();
        let outer = Unpacked::begin(source, &[], limits);
        (!steps.is_empty()).then_some(Unpacked { steps, ..outer })
    }

    /// Returns where in the archive its bytes end.
    pub fn end(&self) -> u64 {
        self.entry.start.saturating_add(self.entry.packed)
    }

    /// Returns the same member where the source is the archive itself, of which what stands behind the member
    /// may be missing.
    #[must_use]
    pub fn of_archive(self) -> Self {
        let codec = |step| match step {
            Step::Decompress(codec) => Some(codec),
            Step::Member(..) => None,
        };
        let undone = self.undone.into_iter().chain(self.steps.into_iter().filter_map(codec));
        Self { undone: undone.collect(), steps: Vec::new(), ..self }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Decompress(Codec),
    Member(Container, Entry),
}

impl Unpacked {
    /// Finds out what stands around the data of a source, and which member of an archive is meant: that of
    /// the name `member`, or the only one that holds data. `head` is the beginning of the source. The head
    /// of the data will be up to `head_bytes` long.
    ///
    /// Returns nothing when there is nothing around it.
    ///
    /// # Errors
    /// Fails with an [`Error`] within the [`io::Error`] when there is no such member or no way to it, and
    /// with what the source says when that cannot be read.
    pub fn find(
        source: &dyn Source,
        head: &[u8],
        head_bytes: usize,
        member: Option<&str>,
        limits: Limits,
    ) -> io::Result<Option<Self>> {
        let mut found = Self::begin(source, head, limits);
        let mut wanted = member;
        found.go_on(source, head_bytes, &mut wanted)?;
        if wanted.is_some() {
            return Err(Error::NoArchive.into());
        }
        Ok(Some(found).filter(|found| !found.steps.is_empty()))
    }

    /// Begins with nothing around the data.
    fn begin(source: &dyn Source, head: &[u8], limits: Limits) -> Self {
        let packed_size = source.size();
        let is_whole = head.len() as u64 >= packed_size;
        let (undone, steps) = (Vec::new(), Vec::new());
        Self { undone, steps, limits, head: head.to_vec(), is_whole, packed_size }
    }

    /// Finds out what stands around the data from here on. A member that is `wanted` is so no more when it was
    /// found.
    fn go_on(
        &mut self,
        source: &dyn Source,
        head_bytes: usize,
        wanted: &mut Option<&str>,
    ) -> io::Result<()> {
        let found = self;
        while let Some(container) = Container::find(&found.head) {
            let Some(step) = found.step(container, source, *wanted)? else { break };
            if found.undone.len() + found.steps.len() >= found.limits.layers {
                return Err(Error::TooDeep { limit: found.limits.layers }.into());
            }
            if let Step::Member(..) = step {
                *wanted = None;
            }
            found.steps.push(step);
            found.look(source, head_bytes)?;
        }
        Ok(())
    }

    /// Finds the members of an archive that hold data and whose name, as [`Member::name`] has it, is `wanted`.
    /// The archive itself may be compressed. `head` is the beginning of the source.
    ///
    /// # Errors
    /// Fails with [`Error::NoArchive`] when it is none, with [`Error::Ambiguous`] when two of them have one
    /// name, and as [`Unpacked::find`].
    pub fn members(
        source: &dyn Source,
        head: &[u8],
        limits: Limits,
        wanted: &dyn Fn(&str) -> bool,
    ) -> io::Result<Vec<Member>> {
        let is_wanted = |entry: &Entry| entry.is_data() && wanted(&entry.escaped());
        let mut outer = Self::begin(source, head, limits);
        loop {
            let (container, entries) = match Container::find(&outer.head) {
                Some(Container::Compressed(codec)) if outer.steps.len() < limits.layers => {
                    outer.steps.push(Step::Decompress(codec));
                    outer.look(source, Container::HEAD_BYTES)?;
                    continue;
                }
                Some(Container::Compressed(_)) => {
                    return Err(Error::TooDeep { limit: limits.layers }.into());
                }
                Some(Container::Zip) if outer.steps.is_empty() => {
                    match zip::list(source, &limits, &is_wanted)? {
                        Some(entries) => (Container::Zip, entries),
                        None => return Err(Error::NoArchive.into()),
                    }
                }
                Some(Container::Tar) => {
                    let itself = Some(source).filter(|_| outer.steps.is_empty());
                    (Container::Tar, tar::list(Box::new(outer.open(source)?), itself, &limits)?)
                }
                Some(Container::Zip) if !zip::begins_as_office(&outer.head) => {
                    return Err(outer.nested(Container::Zip).into());
                }
                _ => return Err(Error::NoArchive.into()),
            };
            let entries: Vec<Entry> = entries.into_iter().filter(is_wanted).collect();
            archive::check_names(&entries)?;
            let steps = outer.steps;
            let of = |entry| Member {
                undone: Vec::new(),
                steps: steps.clone(),
                archive: container,
                entry,
            };
            return Ok(entries.into_iter().map(of).collect());
        }
    }

    /// Finds out what stands around the data of a member, as [`Unpacked::find`] does.
    ///
    /// # Errors
    /// As [`Unpacked::find`].
    pub fn of_member(
        source: &dyn Source,
        member: &Member,
        head_bytes: usize,
        limits: Limits,
    ) -> io::Result<Self> {
        let entry = archive::check(member.entry.clone())?;
        let mut found = Self::begin(source, &[], limits);
        found.undone.clone_from(&member.undone);
        found.steps.clone_from(&member.steps);
        found.steps.push(Step::Member(member.archive, entry));
        found.look(source, head_bytes)?;
        found.go_on(source, head_bytes, &mut None)?;
        Ok(found)
    }

    /// Returns how to get through a container; nothing when it is the data itself.
    fn step(
        &self,
        container: Container,
        source: &dyn Source,
        member: Option<&str>,
    ) -> io::Result<Option<Step>> {
        let is_member = self.steps.iter().any(|step| matches!(step, Step::Member(..)));
        Ok(Some(match container {
            Container::Compressed(codec) => Step::Decompress(codec),
            Container::Zip if self.steps.is_empty() => {
                match zip::find(source, member, &self.limits)? {
                    zip::Found::Office => return Ok(None),
                    zip::Found::Member(entry) => Step::Member(container, entry),
                }
            }
            Container::Zip if zip::begins_as_office(&self.head) => return Ok(None),
            // A zip archive is read from its end, and a member of a member has no name.
            Container::Zip | Container::Tar if is_member || container == Container::Zip => {
                return Err(self.nested(container).into());
            }
            Container::Tar | Container::Zip => {
                let itself = Some(source).filter(|_| self.steps.is_empty());
                let entries = tar::list(Box::new(self.open(source)?), itself, &self.limits)?;
                Step::Member(container, archive::choose(entries, member)?)
            }
        }))
    }

    /// Returns the error of an archive within what was gone through so far.
    fn nested(&self, inner: Container) -> Error {
        let outer = match self.steps.last() {
            Some(Step::Member(archive, _)) => archive.name(),
            Some(Step::Decompress(codec)) => codec.name(),
            None => "",
        };
        Error::Nested { inner: inner.name(), outer, member: self.member_name() }
    }

    /// Reads the beginning of what comes out so far.
    fn look(&mut self, source: &dyn Source, head_bytes: usize) -> io::Result<()> {
        let wanted = head_bytes.max(Container::HEAD_BYTES) as u64;
        let mut head = Vec::new();
        // One more, to see whether that is all.
        self.open(source)?.take(wanted + 1).read_to_end(&mut head)?;
        self.is_whole = head.len() as u64 <= wanted;
        head.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        self.head = head;
        Ok(())
    }

    /// Begins to read the data.
    ///
    /// # Errors
    /// Fails when the source cannot be opened, and when the way to the data is not whole.
    pub fn open(&self, source: &dyn Source) -> io::Result<Stream> {
        let meter = Meter::default();
        let open = |at| -> io::Result<Box<dyn Read + Send>> {
            Ok(Box::new(Counted { raw: source.open(at)?, meter: meter.clone() }))
        };
        let mut reader: Option<Box<dyn Read + Send>> = None;
        for step in &self.steps {
            reader = Some(match step {
                Step::Decompress(codec) => {
                    let raw = reader.map_or_else(|| open(0), Ok)?;
                    Box::new(Decompressor::new(*codec, raw, self.limits))
                }
                Step::Member(archive, entry) => {
                    let raw = match reader {
                        None => open(entry.start)?,
                        Some(mut outer) => {
                            // That it is too short shows when the member is read.
                            skip(&mut *outer, entry.start)?;
                            outer
                        }
                    };
                    self.member(raw, *archive, entry)
                }
            });
        }
        let reader = reader.map_or_else(|| open(0), Ok)?;
        Ok(Stream::new(reader, meter, self.limits))
    }

    /// Reads a member, whose bytes begin where `raw` is.
    fn member(
        &self,
        raw: Box<dyn Read + Send>,
        archive: Container,
        entry: &Entry,
    ) -> Box<dyn Read + Send> {
        let what = archive.name();
        let end = entry.start.saturating_add(entry.packed);
        let packed = Box::new(Exactly { raw, left: entry.packed, end, what });
        let Packing::Zip { codec, size, crc } = entry.packing else { return packed };
        let raw: Box<dyn Read + Send> = match codec {
            Some(codec) => Box::new(Decompressor::new(codec, packed, self.limits)),
            None => packed,
        };
        Box::new(Checked { raw, crc: Crc::default(), expected_crc: crc, left: size, end })
    }

    /// Returns the containers, the outermost first, those that were undone before as well.
    pub fn layers(&self) -> impl Iterator<Item = Layer> {
        let undone = self.undone.iter().map(|codec| Layer::Compressed(*codec));
        undone.chain(self.steps.iter().map(|step| match step {
            Step::Decompress(codec) => Layer::Compressed(*codec),
            Step::Member(archive, entry) => {
                Layer::Member { archive: *archive, name: entry.name.clone() }
            }
        }))
    }

    /// Returns the first bytes of the data.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Returns whether the head is all of the data.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Returns how many bytes of the source have to be read for the data, about.
    pub fn packed_size(&self) -> u64 {
        match self.steps.first() {
            Some(Step::Member(_, entry)) => entry.packed,
            _ => self.packed_size,
        }
    }

    /// Returns the name of the member of the archive that is read, as it may be shown.
    pub fn member_name(&self) -> Option<String> {
        self.steps.iter().find_map(|step| match step {
            Step::Member(_, entry) => Some(shown(&entry.name)),
            Step::Decompress(_) => None,
        })
    }

    /// Returns the extension that the data has by the names around it, given the name of the source: that of
    /// a member without those of compressions.
    pub fn extension(&self, source_name: &str) -> Option<String> {
        let mut name = source_name.to_owned();
        for step in &self.steps {
            match step {
                Step::Member(_, entry) => {
                    let last = entry.name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
                    name = String::from_utf8_lossy(last).into_owned();
                }
                Step::Decompress(codec) => {
                    if let Some((stem, extension)) = name.rsplit_once('.')
                        && codec.has_extension(extension)
                    {
                        name = stem.to_owned();
                    }
                }
            }
        }
        let (stem, extension) = name.rsplit_once('.')?;
        Some(extension.to_owned()).filter(|_| !stem.is_empty())
    }
}
