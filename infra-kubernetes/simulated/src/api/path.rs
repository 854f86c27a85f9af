//! Where in the API a request goes.

/// A place in the API: a kind, and which of its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) group: String,
    pub(crate) version: String,
    /// None: all namespaces, or what has none.
    pub(crate) namespace: Option<String>,
    pub(crate) plural: String,
    pub(crate) name: Option<String>,
    pub(crate) subresource: String,
}

impl Place {
    /// The place that a path names; nothing for what is not about objects.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let decoded = |part: &str| {
            percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
        };
        let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            // A namespace itself, and what is under it.
            ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => (None, rest),
            ["namespaces", namespace, rest @ ..] => (Some((*namespace).to_owned()), rest),
            rest => (None, rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (*plural, None, ""),
            [plural, name] => (*plural, Some((*name).to_owned()), ""),
            [plural, name, subresource] => (*plural, Some((*name).to_owned()), *subresource),
            _ => return None,
        };
        Some(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            namespace,
            plural: plural.to_owned(),
            name,
            subresource: subresource.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn paths_name_places() {
        let place = Place::of("/apis/apps/v1/namespaces/a/deployments/web/scale").unwrap();
        assert_eq!((place.group.as_str(), place.namespace.as_deref()), ("apps", Some("a")));
        assert_eq!((place.name.as_deref(), place.subresource.as_str()), (Some("web"), "scale"));
        let place = Place::of("/api/v1/namespaces/a").unwrap();
        assert_eq!((place.plural.as_str(), place.name.as_deref()), ("namespaces", Some("a")));
        let place = Place::of("/api/v1/namespaces/a/status").unwrap();
        assert_eq!((place.plural.as_str(), place.subresource.as_str()), ("namespaces", "status"));
        let place = Place::of("/api/v1/pods").unwrap();
        assert_eq!((place.namespace, place.name), (None, None));
        let place =
            Place::of("/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode").unwrap();
        assert_eq!(place.name.as_deref(), Some("system:node"));
        assert_eq!(Place::of("/apis/apps/v1"), None);
    }
}
