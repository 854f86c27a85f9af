//! What a source says of who is made from whom: addresses without keys, and the scopes that objects are in.

use std::collections::{BTreeSet, HashMap, HashSet};

/// What a source says of who is made from whom, by number.
///
/// An address stands for all objects that were made of it, a hundred of them for every object of a hundred: so nobody's
/// list is written out. Of a module that was called several times, an object uses what its own call made.
#[derive(Default)]
pub(super) struct Source {
    objects: Vec<Object>,
    addresses: HashMap<String, usize>,
    /// The modules that each address is in, the outermost first.
    modules: Vec<Vec<String>>,
    /// The objects of each address.
    of: Vec<Vec<usize>>,
    /// What the objects of each address use.
    used_by: Vec<BTreeSet<usize>>,
    scopes: HashMap<(usize, String), usize>,
    /// Which address has objects in which scope.
    there: HashSet<(usize, usize)>,
}

struct Object {
    address: Option<usize>,
    kind: &'static str,
    /// The scopes around it, the outermost first, which is everything.
    scopes: Vec<usize>,
    /// The addresses that it uses, its own among them: what was made together.
    uses: BTreeSet<usize>,
}

impl Source {
    /// The next object.
    pub(super) fn add(
        &mut self,
        address: Option<&str>,
        kind: &'static str,
        scopes: &[String],
        uses: &BTreeSet<String>,
    ) {
        let number = self.objects.len();
        let mut around = vec![0];
        let mut last = 0;
        for scope in scopes {
            let fresh = self.scopes.len() + 1;
            last = *self.scopes.entry((last, scope.clone())).or_insert(fresh);
            around.push(last);
        }
        let uses: BTreeSet<usize> =
            uses.iter().map(String::as_str).chain(address).map(|it| self.address(it)).collect();
        let address = address.map(|address| self.address(address));
        if let Some(address) = address {
            self.of[address].push(number);
            self.used_by[address].extend(&uses);
            self.there.extend(around.iter().map(|scope| (address, *scope)));
        }
        self.objects.push(Object { address, kind, scopes: around, uses });
    }

    fn address(&mut self, text: &str) -> usize {
        if let Some(number) = self.addresses.get(text) {
            return *number;
        }
        self.of.push(Vec::new());
        self.used_by.push(BTreeSet::new());
        self.modules.push(modules(text));
        self.addresses.insert(text.to_owned(), self.of.len() - 1);
        self.of.len() - 1
    }

    /// How much an object uses.
    pub(super) fn count(&self, object: usize) -> usize {
        self.objects[object].uses.len()
    }

    /// Whether an object is made from another.
    pub(super) fn uses(&self, object: usize, other: usize) -> bool {
        let (own, of) = (&self.objects[object], &self.objects[other]);
        let Some(address) = of.address.filter(|address| own.uses.contains(address)) else {
            return false;
        };
        object != other && of.scopes.contains(&self.shared(own, address))
    }

    /// The scope in which an object means what is of an address: the innermost one of the calls of modules that both are in.
    fn shared(&self, object: &Object, address: usize) -> usize {
        let own = object.address.map_or(&[][..], |own| &self.modules[own]);
        let both = own.iter().zip(&self.modules[address]).take_while(|(own, of)| own == of);
        object.scopes[both.count().min(object.scopes.len() - 1)]
    }

    /// What an object is made from beside what is `reached`, without what is used by way of other such.
    ///
    /// The pieces of one resource have one address: who has reached the ones of one kind has not those of another.
    pub(super) fn missing(&self, object: usize, reached: &HashSet<usize>) -> Vec<usize> {
        let own = &self.objects[object];
        let reached: HashSet<_> = reached
            .iter()
            .map(|other| &self.objects[*other])
            .filter_map(|other| Some((other.address?, other.kind)))
            .collect();
        let mut missing: Vec<(usize, Vec<usize>)> = Vec::new();
        for address in own.uses.iter().copied().filter(|it| own.address != Some(*it)) {
            let scope = self.shared(own, address);
            if !self.there.contains(&(address, scope)) {
                continue;
            }
            let is_missing = |other: &&Object| {
                other.scopes.contains(&scope) && !reached.contains(&(address, other.kind))
            };
            let near = self.of[address].iter().copied();
            let near: Vec<usize> = near.filter(|it| is_missing(&&self.objects[*it])).collect();
            if !near.is_empty() {
                missing.push((address, near));
            }
        }
        let through = |address: usize| {
            let mut others = missing.iter().filter(|(other, _)| *other != address);
            others.any(|(other, _)| self.used_by[*other].contains(&address))
        };
        let direct = missing.iter().filter(|(address, _)| !through(*address));
        direct.flat_map(|(_, near)| near.iter().copied()).collect()
    }
}

/// The modules that an address without keys is in: `net` and `zone` of `module.net.module.zone.aws_subnet.a`.
fn modules(address: &str) -> Vec<String> {
    let mut modules = Vec::new();
    let mut rest = address;
    while let Some((name, after)) = rest.strip_prefix("module.").and_then(|it| it.split_once('.')) {
        modules.push(name.to_owned());
        rest = after;
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> Vec<String> {
        text.split('/').filter(|it| !it.is_empty()).map(str::to_owned).collect()
    }

    /// A source of such objects: scope, address, kind and what they use.
    fn source(objects: &[(&str, &str, &'static str, &[&str])]) -> Source {
        let mut source = Source::default();
        for (scope, address, kind, uses) in objects {
            let uses = uses.iter().map(|it| (*it).to_owned()).collect();
            source.add(Some(address), kind, &scopes(scope), &uses);
        }
        source
    }

    #[test]
    fn each_uses_what_its_own_call_of_the_module_made() {
        let source = source(&[
            ("", "zone.z", "Zone", &[]),
            ("team-a", "module.team.net.n", "Net", &["zone.z"]),
            ("team-b", "module.team.net.n", "Net", &["zone.z"]),
            ("team-a", "module.team.host.h", "Host", &["module.team.net.n", "zone.z"]),
            ("", "list.l", "List", &["module.team.net.n"]),
        ]);
        let uses = |object| (0..5).filter(|other| source.uses(object, *other)).collect::<Vec<_>>();
        assert_eq!(uses(3), [0, 1], "the net of its own team");
        assert_eq!(uses(4), [1, 2], "who is in no team uses all");
        assert_eq!(source.missing(3, &[3].into()), [1], "the zone is used by way of the net");
        assert_eq!(source.missing(3, &[3, 1].into()), [0]);
        assert_eq!(source.missing(3, &[3, 1, 0].into()), Vec::<usize>::new());
    }

    #[test]
    fn what_another_call_of_the_module_made_is_not_meant() {
        let uses: &[&str] = &["module.team.db.d", "module.team.zone.z", "module.net.net.n"];
        let source = source(&[
            ("team-a", "module.team.zone.z", "Zone", &[]),
            ("team-b", "module.team.zone.z", "Zone", &[]),
            // The other team has no database: its count is 0 there.
            ("team-a", "module.team.db.d", "Db", &["module.team.zone.z"]),
            ("team-a", "module.team.host.h", "Host", uses),
            ("team-b", "module.team.host.h", "Host", uses),
            ("net", "module.net.net.n", "Net", &[]),
        ]);
        assert!(source.uses(3, 2) && !source.uses(4, 2));
        assert!(source.uses(3, 5) && source.uses(4, 5), "another module is everybody's");
        assert_eq!(source.missing(3, &[3, 5].into()), [2]);
        assert_eq!(source.missing(4, &[4, 5].into()), [1], "nothing there uses the zone for it");
    }

    #[test]
    fn all_of_an_address_are_waited_for_and_all_pieces() {
        let source = source(&[
            ("", "role.r", "Role", &[]),
            ("", "role.r", "Attachment", &["role.r"]),
            ("", "attachment.x", "Attachment", &["role.r"]),
            ("", "attachment.x", "Attachment", &["role.r"]),
            ("", "cluster.c", "Cluster", &["role.r", "attachment.x"]),
            ("", "lambda.l", "Function", &["role.r"]),
        ]);
        assert_eq!(source.missing(4, &[4, 0, 1].into()), [2, 3], "every one of a loop");
        assert_eq!(source.missing(4, &[4].into()), [2, 3], "which wait for the role");
        assert_eq!(source.missing(5, &[5, 0].into()), [1], "what is attached to the role");
        assert_eq!(source.missing(5, &[5, 0, 1].into()), Vec::<usize>::new());
        assert_eq!(
            source.missing(1, &[1].into()),
            Vec::<usize>::new(),
            "no piece waits for its own"
        );
    }
}
