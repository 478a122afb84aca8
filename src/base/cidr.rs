//! Ranges of addresses, IPv4 and IPv6. Layer 0.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Family {
    /// 32 bits.
    V4,
    /// 128 bits.
    V6,
}

impl Family {
    /// Length of an address in bits.
    #[must_use]
    pub fn bits(self) -> u8 {
        match self {
            Family::V4 => 32,
            Family::V6 => 128,
        }
    }
}

/// A network: an address without host bits, and the length of its prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    family: Family,
    first: u128,
    bits: u8,
}

/// Why a text is no [`Cidr`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CidrError {
    /// The part before the slash is no address.
    Address,
    /// There is no `/` or no number after it.
    Prefix,
    /// The prefix is longer than the family's addresses; holds the longest.
    TooLong(u8),
    /// Bits are set to the right of the prefix; holds the network that was probably meant.
    HostBits(Cidr),
}

impl Cidr {
    /// `0.0.0.0/0`.
    pub const ANYWHERE_V4: Cidr = Cidr { family: Family::V4, first: 0, bits: 0 };
    /// `::/0`.
    pub const ANYWHERE_V6: Cidr = Cidr { family: Family::V6, first: 0, bits: 0 };

    /// The network of `bits` that holds `ip`: host bits are cut off.
    ///
    /// # Errors
    /// [`CidrError::TooLong`] if the family has fewer bits.
    pub fn containing(ip: IpAddr, bits: u8) -> Result<Self, CidrError> {
        let (family, value) = number(ip);
        if bits > family.bits() {
            return Err(CidrError::TooLong(family.bits()));
        }
        Ok(Self { family, first: value & mask(family, bits), bits })
    }

    /// The network of one address.
    #[must_use]
    pub fn host_of(ip: IpAddr) -> Self {
        let (family, first) = number(ip);
        Self { family, first, bits: family.bits() }
    }

    /// IPv4 or IPv6.
    #[must_use]
    pub fn family(self) -> Family {
        self.family
    }

    /// Length of the prefix.
    #[must_use]
    pub fn prefix(self) -> u8 {
        self.bits
    }

    /// The first address.
    #[must_use]
    pub fn network(self) -> IpAddr {
        ip(self.family, self.first)
    }

    /// The last address, as a number.
    #[must_use]
    pub fn last_number(self) -> u128 {
        self.first | (mask(self.family, self.family.bits()) & !mask(self.family, self.bits))
    }

    /// The first address, as a number.
    #[must_use]
    pub fn first_number(self) -> u128 {
        self.first
    }

    /// Whether all of `other` lies in this.
    #[must_use]
    pub fn contains(self, other: Cidr) -> bool {
        self.family == other.family && self.bits <= other.bits && other.first & mask(self.family, self.bits) == self.first
    }

    /// Whether an address lies in this.
    #[must_use]
    pub fn contains_ip(self, ip: IpAddr) -> bool {
        self.contains(Cidr::host_of(ip))
    }

    /// Whether they share an address.
    #[must_use]
    pub fn overlaps(self, other: Cidr) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// The `n`th address, from 0; `None` past the end.
    #[must_use]
    pub fn host(self, n: u128) -> Option<IpAddr> {
        let value = self.first.checked_add(n)?;
        (value <= self.last_number()).then(|| ip(self.family, value))
    }

    /// The `n`th network that is `new_bits` longer; `None` where there is none.
    #[must_use]
    pub fn subnet(self, new_bits: u8, n: u128) -> Option<Cidr> {
        let bits = self.bits.checked_add(new_bits).filter(|b| *b <= self.family.bits())?;
        let shift = u32::from(self.family.bits() - bits);
        let step = n.checked_shl(shift).filter(|s| s >> shift == n)?;
        let first = self.first.checked_add(step)?;
        (first <= self.last_number()).then_some(Cidr { family: self.family, first, bits })
    }
}

fn mask(family: Family, bits: u8) -> u128 {
    let all = if family == Family::V4 { u128::from(u32::MAX) } else { u128::MAX };
    all & all.checked_shl(u32::from(family.bits() - bits)).unwrap_or(0)
}

fn number(ip: IpAddr) -> (Family, u128) {
    match ip {
        IpAddr::V4(v4) => (Family::V4, u128::from(v4.to_bits())),
        IpAddr::V6(v6) => (Family::V6, v6.to_bits()),
    }
}

fn ip(family: Family, value: u128) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from_bits(value as u32)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(value)),
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let (address, prefix) = text.split_once('/').ok_or(CidrError::Prefix)?;
        let address: IpAddr = address.parse().map_err(|_| CidrError::Address)?;
        let family = number(address).0;
        let digits = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
        if !digits {
            return Err(CidrError::Prefix);
        }
        let bits = prefix.parse().map_err(|_| CidrError::TooLong(family.bits()))?;
        let network = Cidr::containing(address, bits)?;
        if network.network() == address { Ok(network) } else { Err(CidrError::HostBits(network)) }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network(), self.bits)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Cidr {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(|_| serde::de::Error::custom(format!("`{text}` is no network")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_or_refused_with_a_reason() {
        assert_eq!("10.0.0.0/16".parse::<Cidr>().map(|c| c.to_string()), Ok("10.0.0.0/16".into()));
        let meant = "10.0.0.0/16".parse::<Cidr>().ok();
        assert_eq!("10.0.0.5/16".parse::<Cidr>().err(), meant.map(CidrError::HostBits));
        assert_eq!("10.0.0.0/33".parse::<Cidr>(), Err(CidrError::TooLong(32)));
        assert_eq!("10.0.0/16".parse::<Cidr>(), Err(CidrError::Address));
        assert_eq!("2001:db8::/129".parse::<Cidr>(), Err(CidrError::TooLong(128)));
        assert_eq!("10.0.0.0/".parse::<Cidr>(), Err(CidrError::Prefix));
    }

    #[test]
    fn networks_contain_overlap_and_split() -> Result<(), CidrError> {
        let vpc: Cidr = "10.0.0.0/16".parse()?;
        let subnet: Cidr = "10.0.1.0/24".parse()?;
        assert!(vpc.contains(subnet) && !subnet.contains(vpc) && subnet.overlaps(vpc));
        assert_eq!(vpc.subnet(8, 1), Some(subnet));
        assert_eq!(vpc.subnet(8, 256), None);
        assert_eq!(vpc.host(5).map(|h| h.to_string()), Some("10.0.0.5".into()));
        assert!(Cidr::ANYWHERE_V6.contains("2001:db8::/32".parse()?) && !Cidr::ANYWHERE_V4.contains("2001:db8::/32".parse()?));
        Ok(())
    }
}
