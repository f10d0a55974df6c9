//! The objects of a device: tables of cells, in the order of their names.
//!
//! * [`router`]: those of a logical router.
//! * [`system`]: what every device says of itself.
//! * [`interfaces`]: what of it frames pass.
//! * [`switch`]: those of a logical switch.
//! * [`routes`]: where a router sends packets.
//!
//! A table is its columns, its rows' names, and a function that says what is in
//! a cell: nothing is made for a walk but the rows' names, which are kept while
//! the drawing stays as it is.

pub(super) mod interfaces;
pub(super) mod router;
pub(super) mod routes;
pub(super) mod switch;
pub(super) mod system;

use core::net::Ipv4Addr;

/// The name of an object.
pub(super) type Oid = Vec<u32>;

/// The name of a row in its table.
pub(super) type RowName = Box<[u32]>;

/// What there is to say of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// INTEGER, Integer32.
    Integer(i32),
    /// OCTET STRING.
    Text(Vec<u8>),
    /// OBJECT IDENTIFIER.
    Object(Oid),
    /// IpAddress.
    Address(Ipv4Addr),
    /// Counter32: the lower half of a count.
    Counter32(u64),
    /// Gauge32, Unsigned32.
    Gauge32(u32),
    /// TimeTicks, in hundredths of a second.
    Ticks(u32),
    /// Counter64.
    Counter64(u64),
    /// There is no object of that type.
    NoSuchObject,
    /// There is, but not that one.
    NoSuchInstance,
    /// There is nothing behind the name.
    EndOfMibView,
}

impl Value {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }
}

/// The name of what is a scalar, behind its object type.
pub(super) const SCALAR: &[u32] = &[0];

/// Objects whose names begin alike: an entry of a table, or a group of scalars,
/// which is a table with one row.
pub(super) struct Table<'a> {
    /// How all names begin; behind it stands the column, then the row.
    pub(super) entry: &'static [u32],
    /// The columns, ascending.
    pub(super) columns: &'static [u32],
    /// The rows' names, ascending.
    pub(super) rows: Rows<'a>,
    /// What is in a column, and a row by its place; `None`: the cell is empty.
    pub(super) cell: Box<dyn Fn(u32, usize) -> Option<Value> + 'a>,
}

/// The names of a table's rows.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    /// The one of scalars.
    Scalars,
    /// These.
    Named(&'a [RowName]),
}

impl Rows<'_> {
    fn get(&self, at: usize) -> Option<&[u32]> {
        match self {
            Self::Scalars => (at == 0).then_some(SCALAR),
            Self::Named(names) => names.get(at).map(|name| &**name),
        }
    }

    fn find(&self, name: &[u32]) -> Option<usize> {
        match self {
            Self::Scalars => (name == SCALAR).then_some(0),
            Self::Named(names) => names.binary_search_by(|row| (**row).cmp(name)).ok(),
        }
    }

    /// The place of the first row behind a name.
    fn behind(&self, name: &[u32]) -> usize {
        match self {
            Self::Scalars => usize::from(name >= SCALAR),
            Self::Named(names) => names.partition_point(|row| **row <= *name),
        }
    }
}

impl Table<'_> {
    /// What is in the cell of that name; `None`: it is in none of its columns.
    fn get(&self, name: &[u32]) -> Option<Value> {
        let (column, row) = name.strip_prefix(self.entry)?.split_first()?;
        self.columns.binary_search(column).ok()?;
        let found = self.rows.find(row);
        let found = found.and_then(|at| (self.cell)(*column, at));
        Some(found.unwrap_or(Value::NoSuchInstance))
    }

    /// The name that all of its columns begin with or are behind.
    fn begin(&self) -> Oid {
        [self.entry, self.columns.get(..1).unwrap_or_default()].concat()
    }

    /// The first cell whose name, behind the entry's, is behind `rest`.
    fn next(&self, rest: &[u32]) -> Option<(Oid, Value)> {
        let first = rest.first().copied().unwrap_or(0);
        let columns = self.columns.iter().filter(|column| **column >= first);
        for &column in columns {
            let mut at = match rest.split_first() {
                Some((asked, row)) if *asked == column => self.rows.behind(row),
                _ => 0,
            };
            while let Some(row) = self.rows.get(at) {
                if let Some(value) = (self.cell)(column, at) {
                    let name = [self.entry, &[column], row].concat();
                    return Some((name, value));
                }
                at += 1;
            }
        }
        None
    }
}

/// All objects of a device.
pub(super) struct Mib<'a> {
    tables: Vec<Table<'a>>,
}

impl<'a> Mib<'a> {
    /// Of these tables. None of them has its cells between two columns of
    /// another: scalars on both sides of a table are two tables.
    pub(super) fn of(mut tables: Vec<Table<'a>>) -> Self {
        tables.sort_by_cached_key(Table::begin);
        Self { tables }
    }

    /// What there is to say of an object.
    pub(super) fn get(&self, name: &[u32]) -> Value {
        let found = self.tables.iter().find_map(|table| table.get(name));
        found.unwrap_or(Value::NoSuchObject)
    }

    /// The first object behind a name.
    pub(super) fn next(&self, name: &[u32]) -> Option<(Oid, Value)> {
        self.tables
            .iter()
            .find_map(|table| match name.strip_prefix(table.entry) {
                Some(rest) => table.next(rest),
                None if table.entry > name => table.next(&[]),
                None => None,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mib(rows: &[RowName]) -> Mib<'_> {
        let scalars = Table {
            entry: &[1, 3, 1],
            columns: &[1, 3],
            rows: Rows::Scalars,
            cell: Box::new(|column, _| Some(Value::Gauge32(column))),
        };
        let table = Table {
            entry: &[1, 3, 2, 1],
            columns: &[2, 5],
            rows: Rows::Named(rows),
            // One cell is empty.
            cell: Box::new(|column, at| {
                (column != 2 || at != 1)
                    .then_some(Value::Gauge32(column * 10 + u32::try_from(at).unwrap()))
            }),
        };
        Mib::of(vec![table, scalars])
    }

    fn rows() -> [RowName; 3] {
        [[10, 1], [10, 2], [20, 0]].map(|name| name.into())
    }

    #[test]
    fn a_walk_meets_every_cell_once_column_by_column() {
        let rows = rows();
        let mib = mib(&rows);
        let mut met = Vec::new();
        let mut name = vec![0, 0];
        while let Some((next, value)) = mib.next(&name) {
            assert!(next > name, "{next:?} after {name:?}");
            assert_eq!(mib.get(&next), value);
            let Value::Gauge32(number) = value else {
                panic!("{value:?}");
            };
            met.push(number);
            name = next;
        }
        assert_eq!(met, [1, 3, 20, 22, 50, 51, 52]);
    }

    #[test]
    fn what_is_not_there_is_told_apart() {
        let rows = rows();
        let mib = mib(&rows);
        assert_eq!(mib.get(&[1, 3, 2, 1, 2, 10, 1]), Value::Gauge32(20));
        assert_eq!(mib.get(&[1, 3, 2, 1, 2, 10, 2]), Value::NoSuchInstance);
        assert_eq!(mib.get(&[1, 3, 2, 1, 2, 11]), Value::NoSuchInstance);
        assert_eq!(mib.get(&[1, 3, 2, 1, 3, 10, 1]), Value::NoSuchObject);
        assert_eq!(mib.get(&[1, 3, 1, 1]), Value::NoSuchInstance);
        assert_eq!(mib.get(&[1, 3, 9]), Value::NoSuchObject);
        // Names that lie between cells.
        let behind = |name: &[u32]| mib.next(name).unwrap().1;
        assert_eq!(behind(&[1, 3, 2, 1, 2, 10]), Value::Gauge32(20));
        assert_eq!(behind(&[1, 3, 2, 1, 2, 10, 1, 0]), Value::Gauge32(22));
        assert_eq!(behind(&[1, 3, 2, 1, 4]), Value::Gauge32(50));
        assert_eq!(behind(&[1, 3, 1, 1, 0, 7]), Value::Gauge32(3));
        assert_eq!(mib.next(&[1, 3, 2, 1, 5, 20, 0]), None);
        assert_eq!(mib.next(&[2]), None);
    }
}
