//! The company's defaults and lists.

use super::{Answer, Answers, Context, Rejection};
use crate::contract::{
    CustomerDefaults, CustomerDefaultsV1, CustomerDefaultsV2, Email, Features, Language, SecurityQuestion, Tag,
};
use crate::engine::{Company, Refusal};

operation! {
    /// Lists the tags of the company.
    "GetTags" => GetTags {} -> GetTagsOut {
        "tags" => tags: Option<Vec<Tag>>,
    }
}

operation! {
    /// Lists the languages of text messages.
    "GetSmsTextLanguageOptions" => GetSmsTextLanguageOptions {} -> GetSmsTextLanguageOptionsOut {
        "languages" => languages: Option<Vec<Language>>,
    }
}

operation! {
    /// Lists the languages of the mobile app.
    "GetPhoneAppLanguageOptions" => GetPhoneAppLanguageOptions {} -> GetPhoneAppLanguageOptionsOut {
        "languages" => languages: Option<Vec<Language>>,
    }
}

operation! {
    /// Lists the languages of OATH tokens.
    "GetOathTokenLanguageOptions" => GetOathTokenLanguageOptions {} -> GetOathTokenLanguageOptionsOut {
        "languages" => languages: Option<Vec<Language>>,
    }
}

operation! {
    /// Lists the security questions to choose from.
    "GetSecurityQuestionOptions" => GetSecurityQuestionOptions {} -> GetSecurityQuestionOptionsOut {
        "securityQuestions" => security_questions: Option<Vec<SecurityQuestion>>,
    }
}

operation! {
    /// Reads the defaults for new users.
    "GetCustomerDefaults_3" => GetCustomerDefaults {} -> GetCustomerDefaultsOut {
        "customerDefaults" => customer_defaults: Option<CustomerDefaults>,
    }
}

operation! {
    /// Reads how mails are sent, and their templates.
    "GetEmail" => GetEmail {} -> GetEmailOut {
        "smtpServer" => smtp_server: Option<String>,
        "enabled" => enabled: bool,
        "emails" => emails: Option<Vec<Email>>,
    }
}

operation! {
    /// Reads what the company has licensed.
    "GetFeatures" => GetFeatures {} -> GetFeaturesOut {
        "features" => features: Option<Features>,
    }
}

impl Answers for GetTags {
    type Out = GetTagsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        context.space.update(|engine, _| {
            let company = engine.company();
            Refusal::unless(company.features.tags, "Tags")?;
            Ok(GetTagsOut { tags: Some(company.tags.clone()) }.into())
        })
    }
}

impl Answers for GetSmsTextLanguageOptions {
    type Out = GetSmsTextLanguageOptionsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let languages = languages(context, |it| (it.features.sms, "Sms", &it.languages.sms_text))?;
        Ok(GetSmsTextLanguageOptionsOut { languages: Some(languages) }.into())
    }
}

impl Answers for GetPhoneAppLanguageOptions {
    type Out = GetPhoneAppLanguageOptionsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let languages = languages(context, |it| (it.features.phone_app, "PhoneApp", &it.languages.phone_app))?;
        Ok(GetPhoneAppLanguageOptionsOut { languages: Some(languages) }.into())
    }
}

impl Answers for GetOathTokenLanguageOptions {
    type Out = GetOathTokenLanguageOptionsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let languages = languages(context, |it| (it.features.oath_token, "OathToken", &it.languages.oath_token))?;
        Ok(GetOathTokenLanguageOptionsOut { languages: Some(languages) }.into())
    }
}

/// The languages of a way to sign in, where the company has that way and languages at all.
fn languages(
    context: Context<'_>,
    of: impl Fn(&Company) -> (bool, &'static str, &Vec<String>),
) -> Result<Vec<Language>, Refusal> {
    context.space.update(|engine, _| {
        let company = engine.company();
        Refusal::unless(company.features.localization, "Localization")?;
        let (licensed, feature, languages) = of(company);
        Refusal::unless(licensed, feature)?;
        Ok(languages.iter().map(|it| Language { name: Some(it.clone()) }).collect())
    })
}

impl Answers for GetSecurityQuestionOptions {
    type Out = GetSecurityQuestionOptionsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let questions = context.space.update(|engine, _| engine.company().questions.clone());
        Ok(GetSecurityQuestionOptionsOut { security_questions: Some(questions) }.into())
    }
}

impl Answers for GetCustomerDefaults {
    type Out = GetCustomerDefaultsOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let defaults = context.space.update(|engine, _| engine.company().defaults.clone());
        Ok(GetCustomerDefaultsOut { customer_defaults: Some(defaults) }.into())
    }
}

impl Answers for GetEmail {
    type Out = GetEmailOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let mail = context.space.update(|engine, _| engine.company().mail.clone());
        let out = GetEmailOut { smtp_server: Some(mail.server), enabled: mail.enabled, emails: Some(mail.templates) };
        Ok(out.into())
    }
}

impl Answers for GetFeatures {
    type Out = GetFeaturesOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let features = context.space.update(|engine, _| engine.company().features.clone());
        Ok(GetFeaturesOut { features: Some(features) }.into())
    }
}

forms! {
    OLDER of GetCustomerDefaults {
        "GetCustomerDefaults" {} -> {
            "customerDefaults" => customer_defaults: Option<CustomerDefaultsV1>,
        }
        "GetCustomerDefaults2", overloads "GetCustomerDefaults" {} -> {
            "customerDefaults" => customer_defaults: Option<CustomerDefaultsV2>,
        }
        "GetCustomerDefaults_2" {} -> {
            "customerDefaults" => customer_defaults: Option<CustomerDefaultsV2>,
        }
    }
}
