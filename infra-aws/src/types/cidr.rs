//! Blocks of IP addresses.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use infra_core::{Data, DataError, Text, provider::Shape, spelling::Spelling, state::Value};

/// A block of IPv4 or IPv6 addresses, always in canonical form: no bit is set after the prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    v6: bool,
    /// The first address; an IPv4 address is in the low 32 bits.
    first: u128,
    prefix: u8,
}

/// Why text is not a block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CidrError {
    /// It is not `ADDRESS/PREFIX`.
    Syntax,
    /// The prefix is longer than the address.
    Prefix,
    /// Bits are set after the prefix; this is the block that was probably meant.
    HostBits(Cidr),
}

/// The block written here, checked when the program is compiled.
///
/// ```
/// let net = infra_aws::cidr!("10.10.0.0/16");
/// assert_eq!(net.subnet(24, 3).unwrap().to_string(), "10.10.3.0/24");
/// ```
///
/// ```compile_fail
/// infra_aws::cidr!("10.10.0.0/33");
/// ```
#[macro_export]
macro_rules! cidr {
    ($text:literal) => {
        const { $crate::types::Cidr::literal($text) }
    };
}

impl Cidr {
    /// Every IPv4 address.
    pub const ANY_V4: Self = Self { v6: false, first: 0, prefix: 0 };
    /// Every IPv6 address.
    pub const ANY_V6: Self = Self { v6: true, first: 0, prefix: 0 };

    /// Parses a block; an error where bits are set after the prefix, as that is a mistake more often than not.
    pub const fn parse(text: &str) -> Result<Self, CidrError> {
        match parse(text) {
            Some((v6, address, prefix)) => {
                if prefix > width(v6) {
                    return Err(CidrError::Prefix);
                }
                let block = Self::containing(v6, address, prefix);
                if block.first == address { Ok(block) } else { Err(CidrError::HostBits(block)) }
            }
            None => Err(CidrError::Syntax),
        }
    }

    /// [`Cidr::parse`] for [`cidr!`]: what is wrong does not compile.
    #[doc(hidden)]
    pub const fn literal(text: &str) -> Self {
        match Self::parse(text) {
            Ok(block) => block,
            Err(CidrError::Syntax) => panic!("expected a block of addresses like 10.0.0.0/16"),
            Err(CidrError::Prefix) => panic!("the prefix is longer than the address"),
            Err(CidrError::HostBits(_)) => panic!("bits are set after the prefix"),
        }
    }

    const fn containing(v6: bool, address: u128, prefix: u8) -> Self {
        Self { v6, first: address & !host_mask(v6, prefix), prefix }
    }

    /// Whether it is a block of IPv6 addresses.
    pub const fn is_v6(self) -> bool {
        self.v6
    }

    /// The number of leading bits that all its addresses share.
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// Its first address.
    pub fn address(self) -> IpAddr {
        if self.v6 {
            Ipv6Addr::from_bits(self.first).into()
        } else {
            // An IPv4 address is in the low 32 bits.
            Ipv4Addr::from_bits(u32::try_from(self.first).unwrap_or_default()).into()
        }
    }

    /// The `n`th block with this prefix inside it, counted from 0; `None` if there is no such block.
    pub const fn subnet(self, prefix: u8, n: u32) -> Option<Self> {
        if prefix < self.prefix || prefix > width(self.v6) {
            return None;
        }
        let more = prefix - self.prefix;
        if more < 32 && n >> more != 0 {
            return None;
        }
        let shift = width(self.v6) - prefix;
        // A whole width of shift only happens for the block of all addresses cut into one.
        let offset = if shift >= 128 { 0 } else { (n as u128) << shift };
        Some(Self { v6: self.v6, first: self.first | offset, prefix })
    }

    /// Whether all addresses of `other` are in it.
    pub const fn contains(self, other: Self) -> bool {
        self.v6 == other.v6
            && self.prefix <= other.prefix
            && other.first & !host_mask(self.v6, self.prefix) == self.first
    }

    /// Whether any address is in both.
    pub const fn overlaps(self, other: Self) -> bool {
        self.contains(other) || other.contains(self)
    }
}

const fn width(v6: bool) -> u8 {
    if v6 { 128 } else { 32 }
}

/// The bits that differ between the addresses of a block.
const fn host_mask(v6: bool, prefix: u8) -> u128 {
    let bits = width(v6) - prefix;
    if bits == 128 { u128::MAX } else { (1 << bits) - 1 }
}

/// Family, address and prefix. By hand, because the standard library's parsers are not `const`.
#[expect(clippy::cast_possible_truncation, reason = "checked just before")]
const fn parse(text: &str) -> Option<(bool, u128, u8)> {
    let bytes = text.as_bytes();
    let mut slash = 0;
    let mut v6 = false;
    while slash < bytes.len() && bytes[slash] != b'/' {
        if bytes[slash] == b':' {
            v6 = true;
        }
        slash += 1;
    }
    let Some((prefix, end)) = decimal(bytes, slash + 1, 999) else { return None };
    if end != bytes.len() || slash >= bytes.len() {
        return None;
    }
    let address = if v6 { address_v6(bytes, slash) } else { address_v4(bytes, slash) };
    match address {
        // What does not fit a byte is too long for any address.
        Some(address) => Some((v6, address, if prefix > 255 { 255 } else { prefix as u8 })),
        None => None,
    }
}

/// A decimal number without leading zeros, and where it ends.
const fn decimal(bytes: &[u8], from: usize, max: u32) -> Option<(u32, usize)> {
    let (mut at, mut number) = (from, 0);
    while at < bytes.len() && bytes[at].is_ascii_digit() {
        number = number * 10 + (bytes[at] - b'0') as u32;
        if number > max {
            return None;
        }
        at += 1;
    }
    if at == from || (bytes[from] == b'0' && at > from + 1) { None } else { Some((number, at)) }
}

const fn address_v4(bytes: &[u8], end: usize) -> Option<u128> {
    let (mut at, mut parts, mut address) = (0, 0, 0_u128);
    while parts < 4 {
        let Some((part, next)) = decimal(bytes, at, 255) else { return None };
        address = (address << 8) | part as u128;
        parts += 1;
        at = next;
        if parts < 4 {
            if at >= end || bytes[at] != b'.' {
                return None;
            }
            at += 1;
        }
    }
    if at == end { Some(address) } else { None }
}

#[expect(clippy::cast_possible_truncation, reason = "at most four digits")]
const fn address_v6(bytes: &[u8], end: usize) -> Option<u128> {
    let mut groups = [0_u16; 8];
    let (mut count, mut gap, mut at) = (0, None, 0);
    if end >= 2 && bytes[0] == b':' && bytes[1] == b':' {
        gap = Some(0);
        at = 2;
    }
    while at < end {
        let (from, mut group) = (at, 0_u32);
        while at < end && bytes[at].is_ascii_hexdigit() {
            let digit = match bytes[at] {
                b @ b'0'..=b'9' => b - b'0',
                b @ b'a'..=b'f' => b - b'a' + 10,
                b => b - b'A' + 10,
            };
            group = group * 16 + digit as u32;
            at += 1;
        }
        if at == from || at > from + 4 || count == 8 {
            return None;
        }
        groups[count] = group as u16;
        count += 1;
        if at == end {
            break;
        }
        if bytes[at] != b':' || at + 1 == end {
            return None;
        }
        at += 1;
        if bytes[at] == b':' {
            if gap.is_some() {
                return None;
            }
            gap = Some(count);
            at += 1;
        }
    }
    let zeros = 8 - count;
    let Some(gap) = (match gap {
        None if zeros == 0 => Some(8),
        // A gap stands for at least one group.
        Some(gap) if zeros > 0 => Some(gap),
        _ => None,
    }) else {
        return None;
    };
    let (mut address, mut group) = (0_u128, 0);
    while group < 8 {
        let part = if group < gap {
            groups[group]
        } else if group < gap + zeros {
            0
        } else {
            groups[group - zeros]
        };
        address = (address << 16) | part as u128;
        group += 1;
    }
    Some(address)
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.prefix)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for CidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => f.write_str("expected a block of addresses like `10.0.0.0/16`"),
            Self::Prefix => f.write_str("the prefix is longer than the address"),
            Self::HostBits(meant) => {
                write!(f, "bits are set after the prefix: the block is `{meant}`")
            }
        }
    }
}

impl std::error::Error for CidrError {}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Cidr {
    type Error = CidrError;

    fn try_from(text: String) -> Result<Self, CidrError> {
        Self::parse(&text)
    }
}

/// For a program's configuration; as strict as [`Cidr::parse`].
impl<'de> serde::Deserialize<'de> for Cidr {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl Data for Cidr {
    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }

    /// Takes the block that contains the address, as AWS does.
    fn from_value(value: &Value) -> Result<Self, DataError> {
        match value.as_str().map(Self::parse) {
            Some(Ok(block) | Err(CidrError::HostBits(block))) => Ok(block),
            _ => Err(DataError::new("a block of addresses like `10.0.0.0/16`", value)),
        }
    }

    fn shape() -> Shape {
        Shape::Scalar
    }

    fn spelling() -> Spelling {
        Spelling::Macro {
            path: infra_core::spelling::path(module_path!(), "Cidr"),
            by: "infra_aws::cidr",
        }
    }
}

impl Text for Cidr {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_strictly_and_prints_canonically() {
        for text in [
            "10.0.0.0/16",
            "0.0.0.0/0",
            "192.168.1.1/32",
            "2001:db8::/32",
            "::/0",
            "fd00:1:2:3::/64",
            "::1/128",
        ] {
            assert_eq!(Cidr::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Cidr::parse("2001:0DB8:0:0:0:0:0:0/32").unwrap().to_string(), "2001:db8::/32");
        for wrong in [
            "",
            "10.0.0.0",
            "10.0.0/8",
            "10.0.0.256/32",
            "10.0.0.0.0/8",
            "10.0.0.0/",
            "1:2/16",
            ":::/0",
            "1::2::3/128",
            "10.00.0.0/8",
            "10.0.0.0/016",
            "1:2:3:4:5:6:7:8::/0",
        ] {
            assert_eq!(Cidr::parse(wrong), Err(CidrError::Syntax), "{wrong}");
        }
        assert_eq!(Cidr::parse("10.0.0.0/33"), Err(CidrError::Prefix));
        let meant = CidrError::HostBits(Cidr::parse("100.68.0.0/18").unwrap());
        assert_eq!(Cidr::parse("100.68.0.18/18"), Err(meant));
        assert_eq!(
            Cidr::from_value(&"100.68.0.18/18".into()).unwrap().to_string(),
            "100.68.0.0/18"
        );
    }

    #[test]
    fn agrees_with_the_standard_library() {
        for text in
            ["::", "::1", "1::", "1:2:3:4:5:6:7:8", "1::8", "::2:3:4:5:6:7:8", "a:b::c:d", "ffff::"]
        {
            let ours = Cidr::parse(&format!("{text}/128")).unwrap().address();
            assert_eq!(ours, text.parse::<IpAddr>().unwrap());
        }
    }

    #[test]
    fn subnets() {
        const NET: Cidr = cidr!("10.0.0.0/16");
        assert_eq!(NET.subnet(24, 255).unwrap().to_string(), "10.0.255.0/24");
        assert_eq!(NET.subnet(24, 256), None);
        assert_eq!(NET.subnet(8, 0), None);
        assert_eq!(cidr!("2001:db8::/56").subnet(64, 3).unwrap().to_string(), "2001:db8:0:3::/64");
        assert!(NET.contains(cidr!("10.0.3.0/24")) && !NET.contains(cidr!("10.1.0.0/24")));
        assert!(cidr!("10.0.3.0/24").overlaps(NET) && !NET.overlaps(Cidr::ANY_V6));
        assert!(Cidr::ANY_V4.contains(NET));
    }
}
