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
        self.objects.push(Object { address, scopes: around, uses });
    }

    fn address(&mut self, text: &str) -> usize {
        if let Some(number) = self.addresses.get(text) {
            return *number;
        }
        self.of.push(Vec::new());
        self.used_by.push(BTreeSet::new());
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
        object != other && self.nearest(own, address).is_some_and(|it| of.scopes.contains(&it))
    }

    /// The innermost scope around an object in which an address has objects.
    fn nearest(&self, object: &Object, address: usize) -> Option<usize> {
        let mut scopes = object.scopes.iter().rev().copied();
        scopes.find(|scope| self.there.contains(&(address, *scope)))
    }

    /// What an object is made from beside what is `reached`, without what is used by way of other such.
    pub(super) fn missing(&self, object: usize, reached: &HashSet<usize>) -> Vec<usize> {
        let own = &self.objects[object];
        let reached: HashSet<usize> =
            reached.iter().filter_map(|other| self.objects[*other].address).collect();
        let missing: Vec<usize> =
            own.uses.iter().copied().filter(|address| !reached.contains(address)).collect();
        let through = |address: &usize| {
            missing.iter().any(|other| other != address && self.used_by[*other].contains(address))
        };
        let mut found = Vec::new();
        for address in missing.iter().filter(|address| !through(address)) {
            let Some(scope) = self.nearest(own, *address) else { continue };
            let near: Vec<usize> = self.of[*address]
                .iter()
                .copied()
                .filter(|other| *other != object && self.objects[*other].scopes.contains(&scope))
                .collect();
            // Those of one address are each used by way of the others.
            if let [only] = near[..] {
                found.push(only);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> Vec<String> {
        text.split('/').filter(|it| !it.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn each_uses_what_its_own_call_of_the_module_made() {
        let mut source = Source::default();
        let mut add = |scope: &str, address: &str, uses: &[&str]| {
            let uses = uses.iter().map(|it| (*it).to_owned()).collect();
            source.add(Some(address), &scopes(scope), &uses);
        };
        add("", "zone.z", &[]);
        add("team-a", "module.team.net.n", &["zone.z"]);
        add("team-b", "module.team.net.n", &["zone.z"]);
        add("team-a", "module.team.host.h", &["module.team.net.n", "zone.z"]);
        add("", "list.l", &["module.team.net.n"]);
        let uses = |object| (0..5).filter(|other| source.uses(object, *other)).collect::<Vec<_>>();
        assert_eq!(uses(3), [0, 1], "the net of its own team");
        assert_eq!(uses(4), [1, 2], "who is in no team uses all");
        assert_eq!(source.missing(3, &[3].into()), [1], "the zone is used by way of the net");
        assert_eq!(source.missing(3, &[3, 1].into()), [0]);
        assert_eq!(source.missing(3, &[3, 1, 0].into()), Vec::<usize>::new());
    }
}
