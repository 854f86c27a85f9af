//! Protocols and ports of a security group rule.

use infra_core::{Data, Value, state};

/// What a rule lets through.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Everything.
    All,
    /// One TCP port.
    Tcp(u16),
    /// TCP ports, both ends included.
    TcpRange {
        /// The first port.
        from: u16,
        /// The last port.
        to: u16,
    },
    /// One UDP port.
    Udp(u16),
    /// UDP ports, both ends included.
    UdpRange {
        /// The first port.
        from: u16,
        /// The last port.
        to: u16,
    },
    /// All of ICMP over IPv4.
    Icmp,
    /// All of ICMP over IPv6.
    Icmpv6,
    /// One type of ICMP over IPv4, with all of its codes: 8 is the request of a ping.
    IcmpType(u8),
    /// One code of a type of ICMP over IPv4.
    IcmpCode {
        /// The type: 3 is a destination that is not reached.
        kind: u8,
        /// The code: 4 is a packet that is too big.
        code: u8,
    },
    /// One type of ICMP over IPv6, with all of its codes: 128 is the request of a ping.
    Icmpv6Type(u8),
    /// One code of a type of ICMP over IPv6.
    Icmpv6Code {
        /// The type.
        kind: u8,
        /// The code.
        code: u8,
    },
    /// All of another IP protocol, by its number: `50`.
    Protocol(u16),
}

impl Ports {
    /// Protocol, first and last port as EC2 takes them; of ICMP it takes type and code there.
    pub(super) fn parts(&self) -> (String, i32, i32) {
        let tcp = |from: u16, to: u16| ("tcp".to_owned(), from.into(), to.into());
        let icmp = |protocol: &str, kind: u8, code: Option<u8>| {
            (protocol.to_owned(), kind.into(), code.map_or(-1, i32::from))
        };
        let udp = |from: u16, to: u16| ("udp".to_owned(), from.into(), to.into());
        match self {
            Self::All => ("-1".to_owned(), -1, -1),
            Self::Tcp(port) => tcp(*port, *port),
            Self::TcpRange { from, to } => tcp(*from, *to),
            Self::Udp(port) => udp(*port, *port),
            Self::UdpRange { from, to } => udp(*from, *to),
            Self::Icmp => ("icmp".to_owned(), -1, -1),
            Self::Icmpv6 => ("icmpv6".to_owned(), -1, -1),
            Self::IcmpType(kind) => icmp("icmp", *kind, None),
            Self::IcmpCode { kind, code } => icmp("icmp", *kind, Some(*code)),
            Self::Icmpv6Type(kind) => icmp("icmpv6", *kind, None),
            Self::Icmpv6Code { kind, code } => icmp("icmpv6", *kind, Some(*code)),
            Self::Protocol(number) => (number.to_string(), -1, -1),
        }
    }

    /// What EC2 says a rule lets through.
    pub(super) fn of(protocol: &str, from: Option<i32>, to: Option<i32>) -> Self {
        let icmp = (from, to);
        let one = |number: Option<i32>| number.and_then(|number| u8::try_from(number).ok());
        let port = |port: Option<i32>| port.and_then(|port| u16::try_from(port).ok());
        let (from, to) = (port(from).unwrap_or(0), port(to).unwrap_or(u16::MAX));
        match protocol {
            "tcp" | "6" => Self::TcpRange { from, to }.canonical(),
            "udp" | "17" => Self::UdpRange { from, to }.canonical(),
            "icmp" | "1" => match (one(icmp.0), one(icmp.1)) {
                (None, _) => Self::Icmp,
                (Some(kind), None) => Self::IcmpType(kind),
                (Some(kind), Some(code)) => Self::IcmpCode { kind, code },
            },
            "icmpv6" | "58" => match (one(icmp.0), one(icmp.1)) {
                (None, _) => Self::Icmpv6,
                (Some(kind), None) => Self::Icmpv6Type(kind),
                (Some(kind), Some(code)) => Self::Icmpv6Code { kind, code },
            },
            other => other.parse().map_or(Self::All, Self::Protocol),
        }
    }

    /// The one way to say it: a range of one port is that port.
    fn canonical(self) -> Self {
        match self {
            Self::TcpRange { from, to } if from == to => Self::Tcp(from),
            Self::UdpRange { from, to } if from == to => Self::Udp(from),
            Self::Protocol(6) => Self::TcpRange { from: 0, to: u16::MAX },
            Self::Protocol(17) => Self::UdpRange { from: 0, to: u16::MAX },
            Self::Protocol(1) => Self::Icmp,
            Self::Protocol(58) => Self::Icmpv6,
            other => other,
        }
    }

    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<String> {
        match self {
            Self::TcpRange { from, to } | Self::UdpRange { from, to } if from > to => {
                Some(format!("the first port {from} is after the last port {to}"))
            }
            Self::Protocol(number) if *number > 255 => {
                Some(format!("expected a protocol number up to 255, found {number}"))
            }
            _ => None,
        }
    }
}

/// The canonical spelling of a value; what is not known yet stays as it is.
pub(super) fn normalize(value: &state::Value) -> state::Value {
    Ports::from_value(value).map_or_else(|_| value.clone(), |ports| ports.canonical().to_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let all = [
            Ports::All,
            Ports::Tcp(443),
            Ports::TcpRange { from: 30_000, to: 32_767 },
            Ports::Udp(53),
            Ports::Icmp,
            Ports::Icmpv6,
            Ports::IcmpType(8),
            Ports::IcmpCode { kind: 3, code: 4 },
            Ports::Icmpv6Type(128),
            Ports::Icmpv6Code { kind: 1, code: 0 },
            Ports::Protocol(50),
        ];
        for ports in all {
            let (protocol, from, to) = ports.parts();
            assert_eq!(Ports::of(&protocol, Some(from), Some(to)), ports);
            assert_eq!(normalize(&ports.to_value()), ports.to_value());
        }
        assert_eq!(Ports::of("icmp", Some(-1), Some(-1)), Ports::Icmp);
        assert_eq!(Ports::of("icmp", Some(8), None), Ports::IcmpType(8));
        let one = Ports::TcpRange { from: 22, to: 22 };
        assert_eq!(normalize(&one.to_value()), Ports::Tcp(22).to_value());
        assert!(Ports::TcpRange { from: 2, to: 1 }.problem().is_some());
    }
}
