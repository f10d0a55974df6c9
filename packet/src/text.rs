//! The identifiers as text in configuration and JSON: serde through the
//! checked constructors. Written as [`Display`](core::fmt::Display) shows
//! them; VLAN ids and slots are numbers.

use core::fmt;
use core::marker::PhantomData;
use core::net::Ipv4Addr;
use core::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::{Locator, MacAddr, SegmentId, Slot, SubstrateAddr, VirtualAddr, VlanId};

/// Reads a type from its text, or from a number where `number` makes one.
struct Text<T> {
    what: &'static str,
    number: fn(u64) -> Option<Result<T, String>>,
    of: PhantomData<T>,
}

impl<T> Text<T> {
    const fn of(what: &'static str) -> Self {
        Self {
            what,
            number: |_| None,
            of: PhantomData,
        }
    }
}

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        match (self.number)(number) {
            Some(value) => value.map_err(E::custom),
            None => Err(E::invalid_type(
                serde::de::Unexpected::Unsigned(number),
                &self,
            )),
        }
    }
}

macro_rules! displayed {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

displayed!(MacAddr, SegmentId, VirtualAddr, Locator, SubstrateAddr);

impl<'de> Deserialize<'de> for MacAddr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text::of("a MAC address"))
    }
}

impl<'de> Deserialize<'de> for Locator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text::of("a locator: an IPv6 prefix of length 64"))
    }
}

impl<'de> Deserialize<'de> for SegmentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text {
            what: "a segment id, 0x000001 to 0xffffff",
            number: |number| {
                let id = u32::try_from(number).unwrap_or(u32::MAX);
                Some(Self::new(id).map_err(|error| error.to_string()))
            },
            of: PhantomData,
        };
        deserializer.deserialize_any(text)
    }
}

impl<'de> Deserialize<'de> for VirtualAddr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::<Ipv4Addr>::of("an IPv4 address");
        deserializer.deserialize_str(text).map(Self::new)
    }
}

impl Serialize for VlanId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.get())
    }
}

impl<'de> Deserialize<'de> for VlanId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u16::deserialize(deserializer)?).map_err(Error::custom)
    }
}

impl Serialize for Slot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.get())
    }
}

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u8::deserialize(deserializer)?).map_err(Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use core::fmt::Debug;

    use serde::de::DeserializeOwned;

    use super::*;

    fn round_trip<T>(json: &str) -> T
    where
        T: Serialize + DeserializeOwned + PartialEq + Debug,
    {
        let value: T = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
        value
    }

    #[test]
    fn identifiers_round_trip_as_text() {
        let mac: MacAddr = round_trip("\"00:05:02:0b:27:44\"");
        assert_eq!(mac.octets(), [0, 5, 2, 0x0b, 0x27, 0x44]);
        assert_eq!(round_trip::<SegmentId>("\"0x00a001\"").get(), 0xa001);
        let address: VirtualAddr = round_trip("\"10.0.0.2\"");
        assert_eq!(address.to_bits(), 0x0a00_0002);
        let locator: Locator = round_trip("\"fd00:0:0:a::/64\"");
        assert_eq!(locator.to_bits(), 0xfd00_0000_0000_000a);
        assert_eq!(round_trip::<VlanId>("100").get(), 100);
        assert_eq!(round_trip::<Slot>("63").get(), 63);
        assert_eq!(
            serde_json::from_str::<SegmentId>("40961").unwrap().get(),
            0xa001
        );
    }

    #[test]
    fn the_bounds_hold_here_too() {
        let refused = |json: &str| serde_json::from_str::<SegmentId>(json).unwrap_err();
        assert!(refused("0").to_string().contains("out of range"));
        assert!(refused("16777216").to_string().contains("out of range"));
        assert!(refused("true").to_string().contains("a segment id"));
        assert!(serde_json::from_str::<VlanId>("4095").is_err());
        assert!(serde_json::from_str::<Slot>("64").is_err());
        assert!(serde_json::from_str::<Locator>("\"fd00::/48\"").is_err());
        assert!(serde_json::from_str::<MacAddr>("17").is_err());
    }
}
