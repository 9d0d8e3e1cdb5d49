// Mono: the same proxies with Windows credentials, as MIM's client has them. Mono signs in with NTLM.

using System;
using System.Net;
using Mono.Security.Protocol.Ntlm;
using static Checks;

static class MonoWindows
{
    static void Main()
    {
        Check("no credentials", Thrown(() => new Soap11.PfWsSdk { Url = Address }.TestSecurity()), "WebException ProtocolError 401");
        foreach (var level in new[] { NtlmAuthLevel.LM_and_NTLM_and_try_NTLMv2_Session, NtlmAuthLevel.NTLMv2_only })
        {
            NtlmSettings.DefaultAuthLevel = level;
            var version = level == NtlmAuthLevel.NTLMv2_only ? "NTLMv2: " : "NTLMv1 with session security: ";
            var me = As("mimservice", Password, "CONTOSO");
            Check(version + "the right password", me.TestSecurity(), "secure");
            Check(version + "a second call", me.TestSecurity(), "secure");
            Check(version + "DOMAIN\\name", As(Account, Password).TestSecurity(), "secure");
            Check(version + "a name without a domain", As("mimservice", Password).TestSecurity(), "secure");
            Check(version + "a name and a password with umlauts", As("zoë", "Schlüssel 2", "CONTOSO").TestSecurity(), "secure");
            Check(version + "a wrong password", Thrown(() => As(Account, "wrong").TestSecurity()), "WebException ProtocolError 401");
            Check(version + "an unknown account", Thrown(() => As("nobody", Password).TestSecurity()), "WebException ProtocolError 401");
        }
        Soap11.CallResult result;
        Soap11.Error error;
        string id;
        var passed = As(Account, Password).PfAuthUser_5("anna", Soap11.AuthenticationType.pfsdk, "10.0.0.4", "MIM", true,
            Soap11.Mode3.unspecified, "", "", "", out result, out id, out error);
        Check("the user presses #", passed + " " + result.Code, "True 2");
    }

    static Soap11.PfWsSdk As(string account, string password, string domain = "")
    {
        return new Soap11.PfWsSdk
        {
            Url = Address,
            Timeout = 20000,
            Credentials = new NetworkCredential(account, password, domain),
            // Mono would go on with a connection that another account signed in.
            ConnectionGroupName = Guid.NewGuid().ToString(),
        };
    }
}
