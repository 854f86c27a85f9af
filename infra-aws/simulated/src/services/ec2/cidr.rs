//! IPv4 ranges.

use std::net::Ipv4Addr;

/// A range, canonical: no bits set after the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cidr {
    network: u32,
    pub(super) prefix: u8,
}

impl Cidr {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let prefix: u8 = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
        let address: Ipv4Addr = address.parse().ok()?;
        Some(Self { network: u32::from(address) & mask(prefix), prefix })
    }

    pub(super) fn contains(self, other: Self) -> bool {
        self.prefix <= other.prefix && other.network & mask(self.prefix) == self.network
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// The `n`th address.
    pub(super) fn address(self, n: u32) -> String {
        Ipv4Addr::from(self.network.wrapping_add(n)).to_string()
    }

    /// How many addresses a subnet of this size has for use.
    pub(super) fn usable(self) -> u32 {
        1_u32.checked_shl(u32::from(32 - self.prefix)).map_or(u32::MAX, |all| all - 5)
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.network), self.prefix)
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(u32::from(32 - prefix)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Cidr;

    #[test]
    fn ranges() {
        let cidr = |text| Cidr::parse(text).expect("a range");
        assert!(cidr("10.0.0.0/16").contains(cidr("10.0.3.0/24")));
        assert!(!cidr("10.0.0.0/16").contains(cidr("10.1.0.0/24")));
        assert_eq!(cidr("100.68.0.18/18").to_string(), "100.68.0.0/18");
        assert_eq!(cidr("10.0.0.0/24").usable(), 251);
    }
}
