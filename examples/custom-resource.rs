//! A resource of your own: its type, its driver, and a cloud that `infra-aws` has never heard of.
//!
//! ```text
//! cargo run --example custom-resource            # writes notes/…, says what it did
//! cargo run --example custom-resource            # nothing to do
//! echo scribble > notes/greeting.txt             # somebody else changes it …
//! cargo run --example custom-resource -- up --refresh   # … and it is put back
//! cargo run --example custom-resource -- destroy --yes
//! ```
//!
//! The "cloud" is a folder on this machine, so that the example runs anywhere; a driver for your own service looks
//! the same, with a client instead of a path.

use std::{
    fs,
    io::{self, ErrorKind::NotFound},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use infra_core::{
    App, Outputs, Resource,
    prelude::*,
    provider::{
        self, Change, Class, Connection, Connector, Context, Cx, Driver, Find, Managed, Observed,
        Operation, Violation,
    },
    state,
};

/// A text file in the folder of the provider.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "example:Note", outputs = NoteOutputs, delete_before_replace = "two notes cannot share a name")]
struct Note {
    /// The file's name without `.txt`. Another name is another file.
    #[field(replace)]
    name: String,
    /// What it says.
    text: String,
}

/// What a note gives.
#[derive(Outputs, Clone, Debug)]
struct NoteOutputs {
    /// Where the file is.
    #[output(stable)]
    path: String,
    /// How long the text is.
    length: u32,
}

impl Managed for Note {
    type Cloud = Folder;

    async fn read(
        cx: &Cx<Folder>,
        find: &[Find<'_, Self>],
    ) -> Vec<provider::Result<Option<Observed<Self>>>> {
        find.iter().map(|find| cx.look(find)).collect()
    }

    async fn create(cx: &Cx<Folder>, want: &Self, _: &Operation) -> provider::Result<String> {
        // The name is unique in the folder, so writing it twice is writing it once: no token is needed.
        fs::write(cx.path(&want.name), &want.text).map_err(refused)?;
        Ok(want.name.clone())
    }

    async fn update(
        cx: &Cx<Folder>,
        change: &Change<'_, Self>,
        _: &Operation,
    ) -> provider::Result<()> {
        fs::write(cx.path(change.id()?), &change.want()?.text).map_err(refused)
    }

    async fn delete(
        cx: &Cx<Folder>,
        have: &Observed<Self>,
        _: &Self,
        _: &Operation,
    ) -> provider::Result<()> {
        match fs::remove_file(cx.path(&have.id)) {
            Err(e) if e.kind() != NotFound => Err(refused(e)),
            _ => Ok(()),
        }
    }

    fn check(want: &provider::Partial<Self>) -> Vec<Violation> {
        let name = want.get(Self::NAME).known().unwrap_or_default();
        let message = || format!("expected a name without `/`, found {name:?}");
        if name.contains('/') { vec![Violation::of(Self::NAME, message())] } else { Vec::new() }
    }
}

/// The connection: a folder.
struct Folder(PathBuf);

/// How a connection is configured in a program.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "example:Folder", cloud = Folder)]
struct FolderProvider {
    /// The folder; it is made if it is not there.
    path: String,
}

impl Folder {
    fn path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.txt"))
    }

    fn look(&self, find: &Find<'_, Note>) -> provider::Result<Option<Observed<Note>>> {
        let name = match find {
            Find::Id { id, .. } => (*id).to_owned(),
            Find::Made { want, .. } => want.name.clone(),
        };
        let path = self.path(&name);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
                let outputs = NoteOutputs { path: path.display().to_string(), length };
                Ok(Some(Observed::ready(name.clone(), Note { name, text }, outputs)))
            }
            Err(e) if e.kind() == NotFound => Ok(None),
            Err(e) => Err(refused(e)),
        }
    }
}

fn refused(error: io::Error) -> provider::Error {
    provider::Error::new(Class::Denied, error.to_string()).because(error)
}

/// Makes connections; what `App::cloud` is given.
struct Folders;

#[async_trait::async_trait]
impl Connector for Folders {
    fn provider_kind(&self) -> &'static str {
        FolderProvider::KIND
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        vec![provider::driver::<Note>(), provider::provider_driver::<FolderProvider>()]
    }

    fn default_provider(&self, _: &Context) -> provider::Result<state::Value> {
        Ok(FolderProvider { path: "notes".to_owned() }.to_value())
    }

    async fn connect(&self, config: &state::Value, _: &Context) -> provider::Result<Connection> {
        let folder = PathBuf::from(FolderProvider::from_value(config)?.path);
        fs::create_dir_all(&folder).map_err(refused)?;
        // Another folder is another world: the engine replaces what was in the old one.
        let place = fs::canonicalize(&folder).map_err(refused)?.display().to_string();
        let identity = [("folder".to_owned(), place)].into();
        Ok(Connection::new(identity, Folder(folder)))
    }
}

fn program(stack: &mut Stack) -> Result<()> {
    let greeting = stack.add("greeting", Note::new("greeting", "hello"));
    let index = interpolate!("{} has {} bytes", &greeting.path, greeting.length.map(i64::from));
    stack.add("index", Note::new("index", index));
    stack.export("greeting", &greeting.path);
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    App::new("custom-resource").cloud("folder", Folders).run(program).await
}
