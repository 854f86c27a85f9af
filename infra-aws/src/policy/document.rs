//! Whole documents.

use infra_core::{
    Output,
    graph::Expr,
    program::{Input, IntoInput},
};

use super::Statement;

/// A policy document: what an identity may do, who may assume a role, who may use a key or a bucket.
#[derive(Clone, Debug, Default)]
#[must_use = "a document does nothing until it is used"]
pub struct Document {
    id: Option<String>,
    statements: Vec<Statement>,
}

impl Document {
    /// The version of the policy language that every document here is written in.
    pub(super) const VERSION: &str = "2012-10-17";

    /// A document that says nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the document; most services have no use for it.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Adds a statement.
    pub fn statement(mut self, statement: Statement) -> Self {
        self.statements.push(statement);
        self
    }

    /// Adds statements.
    pub fn statements(mut self, statements: impl IntoIterator<Item = Statement>) -> Self {
        self.statements.extend(statements);
        self
    }

    /// Adds a statement only if `condition` holds.
    pub fn when(self, condition: bool, statement: Statement) -> Self {
        if condition { self.statement(statement) } else { self }
    }

    /// The document as canonical JSON text.
    #[must_use]
    pub fn json(&self) -> Output<String> {
        Output::from_expr(Expr::Json(Box::new(self.expr())))
    }

    fn expr(&self) -> Expr {
        let statements = self.statements.iter().map(Statement::expr).collect();
        let mut map = vec![
            ("Version".to_owned(), Expr::Literal(Self::VERSION.into())),
            ("Statement".to_owned(), Expr::List(statements)),
        ];
        if let Some(id) = &self.id {
            map.push(("Id".to_owned(), Expr::Literal(id.as_str().into())));
        }
        Expr::Map(map.into_iter().collect())
    }
}

impl IntoInput<String> for Document {
    fn into_input(self) -> Input<String> {
        self.json().into_input()
    }
}

impl IntoInput<String> for &Document {
    fn into_input(self) -> Input<String> {
        self.json().into_input()
    }
}

impl FromIterator<Statement> for Document {
    fn from_iter<I: IntoIterator<Item = Statement>>(statements: I) -> Self {
        Self::new().statements(statements)
    }
}

#[cfg(test)]
mod tests {
    use infra_core::{
        Output,
        state::{Path, Urn, Value},
    };

    use crate::{
        policy::{Condition, Document, Principal, Statement, same},
        types::Arn,
    };

    fn text(document: &Document) -> String {
        document.json().expr().literal().unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn a_document_reads_like_the_json_it_makes() {
        let document = Document::new().statement(
            Statement::allow()
                .sid("Decrypt")
                .actions(["kms:Decrypt", "kms:DescribeKey"])
                .resources([Arn::of("aws", "kms", "eu-west-1", "1", "key/k")])
                .condition(Condition::string_equals(
                    "kms:ViaService",
                    "ssm.eu-west-1.amazonaws.com",
                ))
                .condition(
                    Condition::string_like("aws:PrincipalArn", "arn:*:role/a").or("arn:*:role/b"),
                ),
        );
        let expected = r#"{"Statement":[{"Action":["kms:Decrypt","kms:DescribeKey"],"Condition":{"StringEquals":{"kms:ViaService":"ssm.eu-west-1.amazonaws.com"},"StringLike":{"aws:PrincipalArn":["arn:*:role/a","arn:*:role/b"]}},"Effect":"Allow","Resource":"arn:aws:kms:eu-west-1:1:key/k","Sid":"Decrypt"}],"Version":"2012-10-17"}"#;
        assert_eq!(text(&document), expected);
    }

    #[test]
    fn principals_of_one_kind_stand_together() {
        let trust = Document::new().statement(
            Statement::allow()
                .principal(Principal::service("ec2.amazonaws.com"))
                .principal(Principal::service("ssm.amazonaws.com"))
                .principal(Principal::account("123456789012"))
                .actions(["sts:AssumeRole"]),
        );
        let parsed = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
            "Principal":{"AWS":"arn:aws:iam::123456789012:root",
                         "Service":["ssm.amazonaws.com","ec2.amazonaws.com"]}}}"#;
        assert!(same(&text(&trust), parsed));
        assert!(!same(&text(&trust), &parsed.replace("ssm.", "eks.")));
    }

    #[test]
    fn an_output_that_is_not_known_makes_the_document_unknown() {
        let urn = Urn::new("aws:ssm:Parameter", "p").unwrap();
        let arn = Output::<Arn>::of(&urn, Path::field("arn"));
        let document = Document::new()
            .statement(Statement::allow().actions(["ssm:GetParameter"]).resources([&arn]));
        let output = document.json();
        assert_eq!(output.expr().eval(&|_| None).unwrap(), Value::Unknown);
        let known = Value::from([("arn", Value::from("arn:aws:ssm:r:1:parameter/p"))]);
        let known = output.expr().eval(&|_| Some(&known)).unwrap();
        assert!(known.as_str().unwrap().contains(r#""Resource":"arn:aws:ssm:r:1:parameter/p""#));
    }
}
