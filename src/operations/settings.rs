//! The company's defaults and lists.

use crate::contract::{
    CustomerDefaults, CustomerDefaultsV1, CustomerDefaultsV2, Email, Features, Language, SecurityQuestion, Tag,
};

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
    /// Reads what a new user gets where nothing else is said.
    "GetCustomerDefaults_3" => GetCustomerDefaults {} -> GetCustomerDefaultsOut {
        "customerDefaults" => customer_defaults: Option<CustomerDefaults>,
    }
}

forms! {
    OLDER of GetCustomerDefaults {
        "GetCustomerDefaults" {} -> {
            "customerDefaults" => customer_defaults: Option<CustomerDefaultsV1>,
        }
        "GetCustomerDefaults2" overloads "GetCustomerDefaults" {} -> {
            "customerDefaults" => customer_defaults: Option<CustomerDefaultsV2>,
        }
        "GetCustomerDefaults_2" {} -> {
            "customerDefaults" => customer_defaults: Option<CustomerDefaultsV2>,
        }
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

later! {
    GetTags -> GetTagsOut,
    GetSmsTextLanguageOptions -> GetSmsTextLanguageOptionsOut,
    GetPhoneAppLanguageOptions -> GetPhoneAppLanguageOptionsOut,
    GetOathTokenLanguageOptions -> GetOathTokenLanguageOptionsOut,
    GetSecurityQuestionOptions -> GetSecurityQuestionOptionsOut,
    GetCustomerDefaults -> GetCustomerDefaultsOut,
    GetEmail -> GetEmailOut,
    GetFeatures -> GetFeaturesOut,
}
