//! What the short forms are built with.

use infra_core::{
    graph::Expr,
    program::{IntoExport, IntoInput},
    state::{Path, Value},
};

use crate::{Object, ObjectDecl, object::tree};

/// A part of a manifest in the making. What is wrong with a path of the caller's stays in it until the object is declared.
#[derive(Clone)]
pub(super) struct Part {
    expr: Expr,
    wrong: Option<String>,
}

impl Part {
    pub(super) fn new() -> Self {
        Self { expr: Expr::Literal(Value::map()), wrong: None }
    }

    /// Puts a value at a path like `spec.replicas`.
    pub(super) fn set(mut self, path: &str, value: impl IntoExport) -> Self {
        self.put(path, value.into_export());
        self
    }

    /// The same with text or an output of it.
    pub(super) fn text(mut self, path: &str, value: impl IntoInput<String>) -> Self {
        self.put(path, value.into_input().into_expr());
        self
    }

    /// Puts a value under a key that may have any characters in it.
    pub(super) fn entry(mut self, path: &str, key: &str, value: Expr) -> Self {
        match path.parse::<Path>() {
            Ok(path) => self.put_at(&path.key(key), value),
            Err(e) => self.wrong = Some(e.to_string()),
        }
        self
    }

    /// Adds an element to a list.
    pub(super) fn push(mut self, path: &str, element: Self) -> Self {
        self.wrong = self.wrong.or(element.wrong);
        let at = self.length(path);
        self.put(&format!("{path}[{at}]"), element.expr);
        self
    }

    fn length(&self, path: &str) -> usize {
        let parsed = path.parse::<Path>().map(|path| path.0).unwrap_or_default();
        tree::length(&self.expr, &parsed)
    }

    /// Puts a part at a path.
    pub(super) fn with(mut self, path: &str, part: Self) -> Self {
        self.wrong = self.wrong.or(part.wrong);
        self.put(path, part.expr);
        self
    }

    fn put(&mut self, path: &str, value: Expr) {
        match path.parse::<Path>() {
            Ok(path) => self.put_at(&path, value),
            Err(e) => self.wrong = Some(e.to_string()),
        }
    }

    fn put_at(&mut self, path: &Path, value: Expr) {
        match tree::set(&self.expr, path, value) {
            Ok(expr) => self.expr = expr,
            Err(e) => self.wrong = Some(e),
        }
    }

    /// The object of this kind.
    pub(super) fn object(self, api_version: &str, kind: &str) -> ObjectDecl {
        if let Some(wrong) = self.wrong {
            return Object::mistaken(wrong);
        }
        Object::from_expr(self.set("apiVersion", api_version).set("kind", kind).expr)
    }
}

/// A list of texts.
pub(super) fn texts<T: IntoInput<String>>(list: impl IntoIterator<Item = T>) -> Expr {
    Expr::List(list.into_iter().map(|text| text.into_input().into_expr()).collect())
}

/// What all short forms have in common.
macro_rules! short {
    ($(#[$doc:meta])* $name:ident = $version:literal $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        #[must_use = "a declaration does nothing until it is given to `stack.add`"]
        pub struct $name {
            part: $crate::short::builder::Part,
            take_over: bool,
            wait: Option<$crate::Wait>,
        }

        impl $name {
            fn called(name: impl ::infra_core::program::IntoInput<String>) -> Self {
                let part = $crate::short::builder::Part::new().text("metadata.name", name);
                Self { part, take_over: false, wait: None }
            }

            fn part(mut self, change: impl FnOnce($crate::short::builder::Part) -> $crate::short::builder::Part) -> Self {
                self.part = change(self.part);
                self
            }

            /// A label.
            pub fn label(self, key: &str, value: impl ::infra_core::program::IntoInput<String>) -> Self {
                let value = value.into_input().into_expr();
                self.part(|part| part.entry("metadata.labels", key, value))
            }

            /// An annotation.
            pub fn annotation(self, key: &str, value: impl ::infra_core::program::IntoInput<String>) -> Self {
                let value = value.into_input().into_expr();
                self.part(|part| part.entry("metadata.annotations", key, value))
            }

            /// Any other field of the manifest: `.set("spec.paused", true)`.
            pub fn set(self, path: &str, value: impl ::infra_core::program::IntoExport) -> Self {
                self.part(|part| part.set(path, value))
            }

            /// What is waited for after it was applied.
            pub fn wait(mut self, wait: $crate::Wait) -> Self {
                self.wait = Some(wait);
                self
            }

            /// Fields of other managers become ours when they are in the way.
            pub fn take_over(mut self) -> Self {
                self.take_over = true;
                self
            }

            /// Applies `change` only if `condition` holds.
            pub fn when(self, condition: bool, change: impl FnOnce(Self) -> Self) -> Self {
                if condition { change(self) } else { self }
            }
        }

        impl ::infra_core::program::Declaration for $name {
            type Resource = $crate::Object;

            fn declared(self) -> ::infra_core::program::Declared<$crate::Object> {
                let object = self.part.object($version, $kind).maybe_wait(self.wait);
                let object = object.when(self.take_over, |object| object.take_over(true));
                ::infra_core::program::Declaration::declared(object)
            }
        }
    };
}

/// Those whose objects are in a namespace.
macro_rules! namespaced {
    ($name:ident) => {
        impl $name {
            /// Its namespace: `&namespace.name`. `default` if it is left out.
            pub fn namespace(
                self,
                namespace: impl ::infra_core::program::IntoInput<String>,
            ) -> Self {
                self.part(|part| part.text("metadata.namespace", namespace))
            }
        }
    };
}

pub(super) use {namespaced, short};
