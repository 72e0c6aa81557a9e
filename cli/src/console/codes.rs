//! What the codes of FISCO's contracts mean (FISCO BCOS 2.x, `PrecompiledCodes`, and those that its SDKs give before they send).

/// Each code with its meaning, from the highest.
const CODES: [(i64, &str); 70] = [
    (
        -50_000,
        "the account may not do that (listCommitteeMembers shows who has a seat), or the rules of the ledger refuse it",
    ),
    (-50_001, "there is a table of that name already"),
    (-50_002, "the name of the table is too long"),
    (-50_003, "the name of a field is too long"),
    (-50_004, "the names of all fields together are too long"),
    (-50_005, "the value of the key field is too long"),
    (-50_006, "the value of a field is too long"),
    (-50_007, "a field is named twice"),
    (-50_008, "the name of a field is not accepted"),
    (-50_100, "there is no such table"),
    (-50_101, "the contract has no such function"),
    (-50_102, "the address is not accepted"),
    (-51_000, "that was granted already"),
    (-51_001, "that was not granted"),
    (-51_002, "the name of the table is too long to grant anything on it"),
    (-51_003, "there is no such contract"),
    (-51_004, "this right is the committee's to give: its own commands do"),
    (-51_100, "the nodeID is not 128 hex digits"),
    (-51_101, "the group would have no sealer left"),
    (-51_102, "the node is not connected: getNodeIDList lists those that are"),
    (-51_103, "the node takes no part in the group"),
    (-51_104, "the node seals already"),
    (-51_105, "the node observes already"),
    (-51_200, "that name and version are registered already"),
    (-51_201, "the version is too long"),
    (
        -51_300,
        "the system configuration has no such key, or its key takes no such value",
    ),
    (-51_400, "the name of the user is not accepted"),
    (-51_401, "the amount is not accepted"),
    (-51_402, "there is no such user"),
    (-51_403, "there is a user of that name already"),
    (-51_404, "the user has too little"),
    (-51_405, "the user would have too much"),
    (-51_406, "the table of users cannot be opened"),
    (-51_500, "the entry is no JSON object of texts"),
    (-51_501, "the condition is no JSON object of comparisons"),
    (-51_502, "the condition has a comparison that there is not"),
    (-51_503, "the key field of a row cannot be changed"),
    (-51_600, "the ciphertexts cannot be added"),
    (-51_700, "the group signature cannot be checked"),
    (-51_800, "the ring signature cannot be checked"),
    (-51_900, "the contract is frozen already"),
    (-51_901, "the contract is not frozen"),
    (-51_902, "the account manages the contract's status already"),
    (-51_903, "the address of the contract is not accepted"),
    (-51_904, "there is no contract at the address"),
    (-51_905, "the account may not change the contract's status"),
    (-51_906, "the account does not manage the contract's status"),
    (-51_907, "nobody would manage the contract's status any more"),
    (-52_000, "the account has a seat already"),
    (-52_001, "the account has no seat, or the last one"),
    (-52_002, "the account that asks has no seat in the committee"),
    (
        -52_003,
        "the value is out of range: a threshold is 50 to 99, a weight 1 to 1000000",
    ),
    (-52_004, "an operator cannot have a seat"),
    (-52_005, "who has a seat cannot be an operator"),
    (-52_006, "the account is an operator already"),
    (-52_007, "the account is no operator"),
    (-52_008, "there is no such account"),
    (-52_009, "the address is no account's"),
    (-52_010, "the account is not frozen"),
    (-52_011, "the account is frozen"),
    (-52_012, "it is so already"),
    (-53_000, "the account may not charge gas"),
    (-53_001, "the gas is zero"),
    (-53_002, "the account would have too much gas"),
    (-53_003, "the account has too little gas"),
    (-53_004, "the right to charge gas cannot be granted"),
    (-53_005, "the right to charge gas cannot be taken back"),
    (-53_006, "the account charges gas already"),
    (-53_007, "the account does not charge gas"),
    (-53_008, "the gas contract has no such function"),
];

/// What a code means.
pub(super) fn meaning(code: i64) -> String {
    let found = CODES.iter().find(|(known, _)| *known == code);
    match found {
        Some((_, meaning)) => (*meaning).to_owned(),
        None => format!("a code that FISCO BCOS 2.x does not have: {code}"),
    }
}

/// The node is not connected.
pub(super) const NOT_CONNECTED: i64 = -51_102;
/// The node is in no list of the group.
pub(super) const NOT_IN_GROUP: i64 = -51_103;
/// The node seals.
pub(super) const SEALER_ALREADY: i64 = -51_104;
/// The node observes.
pub(super) const OBSERVER_ALREADY: i64 = -51_105;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_fisco_has_a_meaning_of_its_own() {
        let ranges = [
            -50_000..=-50_000,
            -50_008..=-50_001,
            -50_102..=-50_100,
            -51_004..=-51_000,
            -51_105..=-51_100,
            -51_201..=-51_200,
            -51_300..=-51_300,
            -51_406..=-51_400,
            -51_503..=-51_500,
            -51_600..=-51_600,
            -51_700..=-51_700,
            -51_800..=-51_800,
            -51_907..=-51_900,
            -52_012..=-52_000,
            -53_008..=-53_000,
        ];
        let wanted: Vec<i64> = ranges.into_iter().flatten().collect();
        let meanings: std::collections::BTreeSet<String> = wanted.iter().map(|code| meaning(*code)).collect();
        assert_eq!(meanings.len(), wanted.len());
        assert!(meanings.iter().all(|meaning| !meaning.contains("does not have")));
        assert_eq!(CODES.len(), wanted.len());
        assert!(meaning(-1).contains("-1"));
    }
}
