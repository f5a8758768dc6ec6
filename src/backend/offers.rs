//! AWS's published price list of EC2 in a region: the bulk offer file
//! `AmazonEC2/current/REGION/index.csv`. Several hundred megabytes, so it is
//! read as a stream, and no record of it may be larger than [`MAX_RECORD`].
//!
//! Its format: <https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html>.
//! Rows of metadata stand before the header.

use crate::clock::Date;
use crate::spec::PriceRow;
use crate::units::UsdPerHour;
use csv::ByteRecord;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::rc::Rc;

/// The most bytes of one record; those of AWS have about two thousand.
const MAX_RECORD: u64 = 256 << 10;

/// The header is among the first records, or it is not there.
const MOST_METADATA: usize = 100;

/// What the file must say of a price, beside its region: Linux on shared
/// hardware, with nothing installed, started on demand and paid by the hour.
const WANTED: [(&str, &str); 7] = [
    ("TermType", "OnDemand"),
    ("Unit", "Hrs"),
    ("Currency", "USD"),
    ("Tenancy", "Shared"),
    ("Operating System", "Linux"),
    ("Pre Installed S/W", "NA"),
    ("CapacityStatus", "Used"),
];

/// A column that newer files have, and that must not say `CapacityBlock`.
const MARKET: (&str, &str) = ("MarketOption", "OnDemand");

const PRICE: &str = "PricePerUnit";
const TYPE: &str = "Instance Type";
const REGION: &str = "Region Code";

/// What a file offers in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offers {
    /// The day that AWS published it.
    pub published: Date,
    /// A price for each type that was asked for and is offered.
    pub prices: Vec<PriceRow>,
}

/// Why a file offers nothing that can be used.
#[derive(Debug, thiserror::Error)]
pub enum OffersError {
    /// It cannot be read, or is no CSV.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// Something else.
    #[error("it has no column `{0}`: it is not AWS's offer file of EC2 as CSV")]
    NoColumn(&'static str),
    /// Without its day, a price is worth little.
    #[error("it does not say when it was published")]
    NoDay,
    /// A row with fewer cells than the header, as a download that broke ends.
    #[error("it is cut off, or damaged, in line {0}")]
    CutOff(u64),
    /// A price that cannot be read.
    #[error("`{text}` in line {line} is no price")]
    NoPrice {
        /// As it stands there.
        text: String,
        /// Where.
        line: u64,
    },
    /// Nothing for the region.
    #[error("it has no price for {region}{}", others(.found))]
    OtherRegion {
        /// The one that was asked for.
        region: String,
        /// Some that it has prices for.
        found: BTreeSet<String>,
    },
}

fn others(found: &BTreeSet<String>) -> String {
    let list: Vec<&str> = found.iter().map(String::as_str).collect();
    if list.is_empty() { String::new() } else { format!(", but for {}", list.join(", ")) }
}

/// The on-demand prices in `region` of the types that are `wanted`.
///
/// # Errors
/// See [`OffersError`]. Nothing is made of a file that is not whole.
pub fn read(
    from: impl Read,
    region: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<Offers, OffersError> {
    let mut records = Records::new(from);
    let (published, columns) = head(&mut records)?;
    let mut prices: BTreeMap<String, UsdPerHour> = BTreeMap::new();
    let mut other_regions = BTreeSet::new();
    let mut is_of_region = false;
    while records.next()? {
        let row = &records.row;
        if row.len() != columns.width {
            return Err(OffersError::CutOff(records.line()));
        }
        if !columns.is_wanted(row) {
            continue;
        }
        let there = text(row, columns.region);
        if there != region {
            if other_regions.len() < 5 {
                other_regions.insert(there);
            }
            continue;
        }
        is_of_region = true;
        let instance_type = text(row, columns.instance_type);
        let written = text(row, columns.price);
        let price = price(&written)
            .ok_or_else(|| OffersError::NoPrice { text: written, line: records.line() })?;
        if price.micros() > 0 && wanted(&instance_type) {
            // Two prices for one thing are not expected; the dearer one is safe.
            let known = prices.entry(instance_type).or_default();
            *known = price.max(*known);
        }
    }
    if !is_of_region {
        let region = region.to_owned();
        return Err(OffersError::OtherRegion { region, found: other_regions });
    }
    let row = |(instance_type, usd_per_hour)| PriceRow {
        instance_type,
        region: region.to_owned(),
        usd_per_hour,
        date: published,
    };
    Ok(Offers { published, prices: prices.into_iter().map(row).collect() })
}

/// The day of publication, and where the columns are.
fn head<R: Read>(records: &mut Records<R>) -> Result<(Date, Columns), OffersError> {
    let mut published = None;
    for _ in 0..MOST_METADATA {
        if !records.next()? {
            break;
        }
        let row = &records.row;
        if row.iter().any(|cell| cell == TYPE.as_bytes()) {
            let columns = Columns::of(row)?;
            return Ok((published.ok_or(OffersError::NoDay)?, columns));
        }
        if text(row, 0) == "Publication Date" {
            let day = text(row, 1);
            published = day.get(..10).and_then(|day| day.parse().ok());
        }
    }
    Err(OffersError::NoColumn(TYPE))
}

/// Where the columns are that matter.
struct Columns {
    width: usize,
    wanted: Vec<(usize, &'static str)>,
    price: usize,
    instance_type: usize,
    region: usize,
}

impl Columns {
    fn of(header: &ByteRecord) -> Result<Self, OffersError> {
        let find = |name: &str| header.iter().position(|cell| cell == name.as_bytes());
        let column = |name| find(name).ok_or(OffersError::NoColumn(name));
        let mut wanted = Vec::new();
        for (name, value) in WANTED {
            wanted.push((column(name)?, value));
        }
        wanted.extend(find(MARKET.0).map(|at| (at, MARKET.1)));
        Ok(Self {
            width: header.len(),
            wanted,
            price: column(PRICE)?,
            instance_type: column(TYPE)?,
            region: column(REGION)?,
        })
    }

    fn is_wanted(&self, row: &ByteRecord) -> bool {
        self.wanted.iter().all(|(at, value)| row.get(*at) == Some(value.as_bytes()))
    }
}

fn text(row: &ByteRecord, at: usize) -> String {
    String::from_utf8_lossy(row.get(at).unwrap_or_default()).into_owned()
}

/// `55.0400000000`: AWS writes ten decimals. Of more than six, rounded up.
fn price(text: &str) -> Option<UsdPerHour> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let kept = decimals.get(..6.min(decimals.len()))?;
    let more = decimals.get(kept.len()..)?;
    let price: UsdPerHour = format!("{whole}.{kept}/h").parse().ok()?;
    if !more.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let up = u64::from(more.bytes().any(|b| b != b'0'));
    Some(UsdPerHour::from_micros(price.micros().saturating_add(up)))
}

/// Records one after the other, none larger than [`MAX_RECORD`].
struct Records<R: Read> {
    reader: csv::Reader<Bounded<R>>,
    /// How many bytes may be read before the next record must begin.
    left: Rc<Cell<u64>>,
    row: ByteRecord,
}

impl<R: Read> Records<R> {
    fn new(from: R) -> Self {
        let left = Rc::new(Cell::new(0));
        let bounded = Bounded { from, left: Rc::clone(&left) };
        let reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bounded);
        Self { reader, left, row: ByteRecord::new() }
    }

    /// Whether there is one more.
    fn next(&mut self) -> Result<bool, csv::Error> {
        self.left.set(MAX_RECORD);
        self.reader.read_byte_record(&mut self.row)
    }

    fn line(&self) -> u64 {
        self.row.position().map_or(0, csv::Position::line)
    }
}

/// A reader that ends where a record would not.
struct Bounded<R> {
    from: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(left.ok_or_else(|| {
            io::Error::other(format!("a record is larger than {} KiB", MAX_RECORD >> 10))
        })?);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERS: &str = include_str!("offers/index.csv");

    fn prices(text: &str, region: &str) -> Result<Vec<String>, String> {
        let offers = read(text.as_bytes(), region, |_| true).map_err(|error| error.to_string())?;
        let row = |row: &PriceRow| format!("{} {}", row.instance_type, row.usd_per_hour);
        Ok(offers.prices.iter().map(row).collect())
    }

    #[test]
    fn linux_on_demand_on_shared_hardware_is_what_counts() {
        let found = prices(OFFERS, "us-west-2").unwrap();
        assert_eq!(found, ["g6e.12xlarge $10.49264/h", "m7i.large $0.100801/h"]);
        let offers = read(OFFERS.as_bytes(), "us-west-2", |name| name == "m7i.large").unwrap();
        assert_eq!(offers.prices.len(), 1);
        assert_eq!(offers.published.to_string(), "2026-07-19");
    }

    #[test]
    fn what_is_no_whole_offer_file_of_the_region_is_refused() {
        let wrong = |text: &str, region| prices(text, region).unwrap_err();
        assert_eq!(
            wrong(OFFERS, "eu-west-1"),
            "it has no price for eu-west-1, but for us-west-2, us-west-2-lax-1"
        );
        let cut = OFFERS.rfind("Hrs").unwrap();
        assert_eq!(wrong(&OFFERS[..cut], "us-west-2"), "it is cut off, or damaged, in line 15");
        let other = "a,b\n1,2\n";
        assert!(wrong(other, "us-west-2").contains("no column `Instance Type`"));
        let dayless = OFFERS.replace("Publication Date", "Published");
        assert_eq!(wrong(&dayless, "us-west-2"), "it does not say when it was published");
        let free = OFFERS.replace("10.4926400000", "free");
        assert_eq!(wrong(&free, "us-west-2"), "`free` in line 7 is no price");
    }

    #[test]
    fn a_record_without_an_end_is_not_read_to_its_end() {
        let endless = OFFERS.as_bytes().chain(&b"\"a"[..]).chain(io::repeat(b'x'));
        let error = read(endless, "us-west-2", |_| true).unwrap_err();
        assert!(error.to_string().contains("larger than 256 KiB"), "{error}");
    }

    #[test]
    fn a_price_is_rounded_up() {
        let micros = |text| price(text).map(UsdPerHour::micros);
        assert_eq!(micros("55.0400000000"), Some(55_040_000));
        assert_eq!(micros("0.0000001000"), Some(1));
        assert_eq!(micros("3"), Some(3_000_000));
        for text in ["", "-1", "1e3", "1.00000000x", "é.é"] {
            assert_eq!(micros(text), None, "{text}");
        }
    }
}
