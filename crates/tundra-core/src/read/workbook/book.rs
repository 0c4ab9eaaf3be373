//! What an xlsx workbook says of itself: its sheets, its names, its formats.
//!
//! Start at [`Book::open`]. The parts that are read here are small and read as a whole; cells are read
//! elsewhere.

use std::collections::HashMap;

use super::{
    fault::Fault,
    number_format::Shown,
    package::Package,
    serial::Epoch,
    sheet::{Named, SheetFacts},
    xml::{Mark, Xml},
};

/// An xlsx workbook without its cells.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) package: Package,
    /// The sheets, in order.
    pub(super) sheets: Vec<BookSheet>,
    /// What ranges are named.
    pub(super) names: Vec<Named>,
    pub(super) styles: Styles,
    pub(super) epoch: Epoch,
    /// Where its table of strings is, if it has one.
    pub(super) strings: Option<String>,
}

/// A sheet of a workbook.
#[derive(Debug, Clone)]
pub(super) struct BookSheet {
    pub(super) facts: SheetFacts,
    /// The part that it is.
    pub(super) part: String,
}

/// What the formats of cells show, by the number of the format.
#[derive(Debug, Default)]
pub(super) struct Styles {
    shown: Vec<Shown>,
}

impl Styles {
    /// Returns what a cell of this format shows.
    #[inline]
    pub(super) fn shown(&self, style: &[u8]) -> Shown {
        if style.is_empty() || self.shown.is_empty() {
            return Shown::Number;
        }
        let mut number: usize = 0;
        for byte in style {
            number = number.saturating_mul(10).saturating_add(usize::from(byte.wrapping_sub(b'0')));
        }
        self.shown.get(number).copied().unwrap_or_default()
    }
}

impl Book {
    /// Reads everything but the cells.
    pub(super) fn open(package: Package) -> Result<Self, Fault> {
        let roots = relations(&package, "_rels/.rels")?;
        let main = roots
            .iter()
            .find(|relation| relation.kind.ends_with("/officeDocument"))
            .map_or_else(|| "xl/workbook.xml".to_owned(), |relation| join("", &relation.target));
        let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let found = relations(&package, &relations_of(&main))?;
        let by_id: HashMap<&str, &Relation> =
            found.iter().map(|relation| (relation.id.as_str(), relation)).collect();
        let by_kind = |kind: &str| {
            let found = found.iter().find(|relation| relation.kind.ends_with(kind));
            found.map(|relation| join(&folder, &relation.target))
        };
        let Main { sheets, names, epoch } =
            main_part(&package.read_whole(package.needed(&main)?)?)?;
        let sheets = sheets
            .into_iter()
            .filter_map(|(facts, id)| {
                let relation = by_id.get(id.as_str())?;
                // Charts and the sheets of old macros have no cells.
                let is_sheet = relation.kind.ends_with("/worksheet");
                is_sheet.then(|| BookSheet { facts, part: join(&folder, &relation.target) })
            })
            .collect();
        // A part that is said to be there must be: without formats dates would be numbers.
        let styles = match by_kind("/styles") {
            Some(part) => read_styles(&package.read_whole(package.needed(&part)?)?)?,
            None => Styles::default(),
        };
        let strings = by_kind("/sharedStrings");
        Ok(Self { package, sheets, names, styles, epoch, strings })
    }

    /// Returns the tables of the sheets.
    pub(super) fn tables(&self) -> Result<Vec<Named>, Fault> {
        let mut tables = Vec::new();
        for sheet in &self.sheets {
            let folder = sheet.part.rsplit_once('/').map_or("", |(folder, _)| folder);
            for relation in relations(&self.package, &relations_of(&sheet.part))? {
                if !relation.kind.ends_with("/table") {
                    continue;
                }
                let part = self.package.needed(&join(folder, &relation.target))?;
                let bytes = self.package.read_whole(part)?;
                let mut xml = Xml::new(&bytes);
                loop {
                    match xml.next()?.1 {
                        Mark::Open(b"table") => {
                            let [shown, name, area] =
                                xml.attributes(["displayName", "name", "ref"])?;
                            if let (Some(name), Some(area)) = (shown.or(name), area) {
                                let sheet = &sheet.facts.name;
                                let refers = format!("'{}'!{area}", sheet.replace('\'', "''"));
                                tables.push(Named { name: name.into_owned(), refers });
                            }
                            break;
                        }
                        Mark::End => break,
                        _ => {}
                    }
                }
            }
        }
        Ok(tables)
    }
}

struct Main {
    /// The sheets, and the relation that leads to each.
    sheets: Vec<(SheetFacts, String)>,
    names: Vec<Named>,
    epoch: Epoch,
}

fn main_part(bytes: &[u8]) -> Result<Main, Fault> {
    let mut xml = Xml::new(bytes);
    let mut main = Main { sheets: Vec::new(), names: Vec::new(), epoch: Epoch::default() };
    let mut is_workbook = false;
    loop {
        match xml.next()?.1 {
            Mark::Open(b"workbook") => is_workbook = true,
            Mark::Open(b"workbookPr") => {
                let [date] = xml.attributes(["date1904"])?;
                if matches!(date.as_deref(), Some("1" | "true")) {
                    main.epoch = Epoch::Y1904;
                }
            }
            Mark::Open(b"sheet") => {
                let [name, state, id] = xml.attributes(["name", "state", "id"])?;
                if let (Some(name), Some(id)) = (name, id) {
                    let is_visible = !matches!(state.as_deref(), Some("hidden" | "veryHidden"));
                    let facts = SheetFacts { name: name.into_owned(), is_visible };
                    main.sheets.push((facts, id.into_owned()));
                }
            }
            Mark::Open(b"definedName") => {
                let [name, hidden] = xml.attributes(["name", "hidden"])?;
                if xml.is_empty()? {
                    continue;
                }
                let (refers, _) = xml.next()?;
                let is_hidden = matches!(hidden.as_deref(), Some("1" | "true"));
                if let (Some(name), false) = (name, is_hidden) {
                    let refers = super::xml::unescaped(refers)?.into_owned();
                    main.names.push(Named { name: name.into_owned(), refers });
                }
            }
            Mark::End if is_workbook => return Ok(main),
            Mark::End => return Err(Fault::damaged("its main part is no workbook")),
            _ => {}
        }
    }
}

fn read_styles(bytes: &[u8]) -> Result<Styles, Fault> {
    let mut xml = Xml::new(bytes);
    let mut codes: HashMap<u32, Shown> = HashMap::new();
    let mut shown = Vec::new();
    let mut is_of_cells = false;
    loop {
        match xml.next()?.1 {
            Mark::Open(b"numFmt") => {
                let [id, code] = xml.attributes(["numFmtId", "formatCode"])?;
                if let (Some(id), Some(code)) = (id.and_then(|id| id.parse().ok()), code) {
                    codes.insert(id, Shown::of_code(&code));
                }
            }
            Mark::Open(b"cellXfs") => is_of_cells = true,
            Mark::Close(b"cellXfs") => is_of_cells = false,
            Mark::Open(b"xf") if is_of_cells => {
                let [id] = xml.attributes(["numFmtId"])?;
                let id = id.and_then(|id| id.parse().ok()).unwrap_or(0);
                shown.push(codes.get(&id).copied().unwrap_or_else(|| Shown::built_in(id)));
            }
            Mark::End => return Ok(Styles { shown }),
            _ => {}
        }
    }
}

struct Relation {
    id: String,
    kind: String,
    target: String,
}

/// Reads the relations of a part; none if there is no list of them.
fn relations(package: &Package, name: &str) -> Result<Vec<Relation>, Fault> {
    let Some(part) = package.part(name) else { return Ok(Vec::new()) };
    let bytes = package.read_whole(part)?;
    let mut xml = Xml::new(&bytes);
    let mut found = Vec::new();
    loop {
        match xml.next()?.1 {
            Mark::Open(b"Relationship") => {
                let [id, kind, target, mode] =
                    xml.attributes(["Id", "Type", "Target", "TargetMode"])?;
                if let (Some(id), Some(kind), Some(target)) = (id, kind, target)
                    && mode.as_deref() != Some("External")
                {
                    found.push(Relation {
                        id: id.into_owned(),
                        kind: kind.into_owned(),
                        target: target.into_owned(),
                    });
                }
            }
            Mark::End => return Ok(found),
            _ => {}
        }
    }
}

/// Returns the name of the part with the relations of a part.
fn relations_of(part: &str) -> String {
    match part.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/_rels/{name}.rels"),
        None => format!("_rels/{part}.rels"),
    }
}

/// Returns the name of the part that a relation leads to, seen from a folder. It is looked up among the
/// parts and never a path of a disk.
fn join(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            ".." => drop(steps.pop()),
            "" | "." => {}
            step => steps.push(step),
        }
    }
    steps.join("/")
}
