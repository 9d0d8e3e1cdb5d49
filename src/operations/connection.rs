//! Whether the service and its master answer.

use super::{Answer, Answers, AnswersText, Context, Rejection};

plain! {
    /// Answers `secure`: the caller reached the service and may use it.
    "TestSecurity" => TestSecurity
}

plain! {
    /// Says in a sentence whether the master server answers.
    "TestMasterConnection_2" on_master => TestMasterConnectionText
}

operation! {
    /// Tells whether the master server answers.
    "TestMasterConnection" on_master => TestMasterConnection {} -> TestMasterConnectionOut {}
}

impl AnswersText for TestSecurity {
    fn text(self, _: Context<'_>) -> String {
        "secure".into()
    }
}

impl AnswersText for TestMasterConnectionText {
    fn text(self, context: Context<'_>) -> String {
        match context.may_run() {
            Ok(()) => "The master server answers.".into(),
            Err(refusal) => refusal.to_string(),
        }
    }
}

impl Answers for TestMasterConnection {
    type Out = TestMasterConnectionOut;

    async fn answer(self, _: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        Ok(TestMasterConnectionOut {}.into())
    }
}
