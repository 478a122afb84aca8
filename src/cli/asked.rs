//! Asking EC2 what a project cannot be resolved without, and what the state remembers of that. Layer 10.

use std::path::Path;

use crate::{
    apply::ask::ask,
    call::Driver,
    cli::{Stop, outside::read_failed, project::Project, target::Place},
    schema::{
        ask::{Answers, REGION},
        model,
    },
    state::State,
};

/// How often the answers may lead to new questions: a `for` over zones may hold another one, which asks something else.
const ROUNDS_MAX: usize = 8;

/// What the state of a project remembers; nothing where it is not usable, which is told where the state itself is needed.
pub fn remembered(directory: &Path, sandbox: bool, project: &model::Project) -> Answers {
    let place = Place { sandbox, ..Place::default() };
    place.store(directory, project).and_then(|store| store.load()).map_or_else(|_| Answers::new(), |loaded| of_state(&loaded.state))
}

fn of_state(state: &State) -> Answers {
    let region = state.region.iter().map(|region| (REGION.to_owned(), vec![region.clone()]));
    region.chain(state.answers.clone()).collect()
}

impl Project {
    /// The project with the answers to all that it asks: of EC2, or of the state where nothing is to be read.
    ///
    /// # Errors
    /// EC2 cannot be asked, the state does not know, or there are errors in what depends on the answers.
    pub async fn answered(self, driver: &dyn Driver, state: &State, refresh: bool) -> Result<Self, Stop> {
        if self.model.questions.is_empty() {
            return Ok(self);
        }
        if !refresh {
            let mut answers = of_state(state);
            answers.insert(REGION.into(), vec![driver.region().to_owned()]);
            return Self::open_with(&self.directory, self.given, self.sandbox, answers);
        }
        let (mut project, mut answers) = (self, Answers::new());
        for _ in 0..ROUNDS_MAX {
            let open: Vec<_> = project.model.questions.iter().filter(|q| !answers.contains_key(&q.key)).collect();
            if open.is_empty() {
                break;
            }
            match ask(driver, &project.model, state, &open).await {
                Ok(found) => answers.extend(found),
                Err(error) => return Err(project.stop(vec![read_failed(&error, driver)])),
            }
            project = Self::analysed(&project.directory, project.given, project.sandbox, answers.clone(), true)?;
        }
        Self::open_with(&project.directory, project.given, project.sandbox, answers)
    }
}
