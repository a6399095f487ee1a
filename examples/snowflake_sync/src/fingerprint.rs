//! By which rules this job counts: the mapping's, and from which account.

use output_port_usage::{Attribution, OutputPortId, Rules};
use uuid::Uuid;

/// The bytes of a fingerprint that tell the account.
const OF_ACCOUNT: usize = 4;

/// The rules of an account.
///
/// A combination also depends on which other output ports the mapping has. So each output port's fingerprint takes in
/// all of them: when one leaves or returns, what was counted without it, or with it, is counted again.
pub(crate) fn rules(attribution: &Attribution, account: &str) -> Rules {
    let ports: Vec<u8> = attribution.output_ports().iter().flat_map(|port| port.0.into_bytes()).collect();
    let of_mapping = attribution.rules();
    let tag = tag(account);
    let rules = attribution.output_ports().into_iter().filter_map(|port: OutputPortId| {
        let mut bytes = Uuid::new_v5(&of_mapping.of(port)?, &ports).into_bytes();
        bytes[..OF_ACCOUNT].copy_from_slice(&tag);
        Some((port, Uuid::from_bytes(bytes)))
    });
    Rules::new(rules)
}

/// Whether an output port was counted from another account, or by another program, by the fingerprint that it has.
pub(crate) fn is_of_another(fingerprint: Uuid, account: &str) -> bool {
    fingerprint.as_bytes()[..OF_ACCOUNT] != tag(account)
}

fn tag(account: &str) -> [u8; OF_ACCOUNT] {
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_DNS, account.to_lowercase().as_bytes()).into_bytes();
    std::array::from_fn(|at| hash[at])
}

#[cfg(test)]
mod tests {
    use output_port_usage::{ConsumerId, TechAssetId};

    use super::*;

    fn port(number: u128) -> OutputPortId {
        OutputPortId(Uuid::from_u128(number))
    }

    fn attribution(ports: &[u128]) -> Attribution {
        let user = Attribution::builder().user("ana", ConsumerId(Uuid::from_u128(9)));
        let builder = ports.iter().fold(user, |builder, number| {
            let asset = TechAssetId(Uuid::from_u128(100 + number));
            builder.object(format!("db.s.t{number}"), asset).tech_asset(asset, [port(*number)])
        });
        builder.build().unwrap()
    }

    #[test]
    fn another_set_of_output_ports_and_another_account_are_other_rules() {
        let of = |ports: &[u128], account| rules(&attribution(ports), account).of(port(1)).unwrap();
        assert_eq!(of(&[1, 2], "acme-one"), of(&[2, 1], "ACME-ONE"));
        assert_ne!(of(&[1, 2], "acme-one"), of(&[1], "acme-one"));
        assert_ne!(of(&[1, 2], "acme-one"), of(&[1, 3], "acme-one"));
        assert_ne!(of(&[1, 2], "acme-one"), of(&[1, 2], "acme-two"));
        assert!(is_of_another(of(&[1, 2], "acme-two"), "acme-one"));
        assert!(!is_of_another(of(&[1, 2], "acme-one"), "Acme-One"));
    }
}
