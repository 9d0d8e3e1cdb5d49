// Mono: proxies that `wsdl` made of the service description, as MIM's client was made, signing in with Basic.

using System;
using System.Linq;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Web.Services;
using System.Web.Services.Description;
using System.Web.Services.Discovery;
using System.Web.Services.Protocols;
using static Checks;

static class MonoBasic
{
    static void Main()
    {
        SigningIn();
        Calls();
        Calls12();
        Discovery();
        Exceptions();
    }

    static Soap11.PfWsSdk As(string account, string password)
    {
        return new Soap11.PfWsSdk { Url = Address, Timeout = 20000, Credentials = new NetworkCredential(account, password) };
    }

    static readonly Soap11.PfWsSdk Me = As(Account, Password);

    static void SigningIn()
    {
        Check("the right password", Me.TestSecurity(), "secure");
        Check("a wrong password", Thrown(() => As(Account, "wrong").TestSecurity()), "WebException ProtocolError 401");
        Check("no password", Thrown(() => new Soap11.PfWsSdk { Url = Address }.TestSecurity()), "WebException ProtocolError 401");
    }

    static void Calls()
    {
        Check("the user presses #", Ask(Me, "anna", ""), "True 2 0");
        Check("the user denies", Ask(Me, "mimservice@contoso.com", "4255550130"), "False 108 12 Multi-Factor Authentication denied.");
        Check("a text message goes out", Ask(Me, "carla", ""), "True 20 0");
        Soap11.Error error;
        Check("the right code", Me.ValidatePasscode("carla", "246810", out error), true);
        Check("a user who is there", Me.UserExists("ANNA", out error), true);
        Check("a user who is not", Me.UserExists("nobody", out error) + " " + error.Code, "False 10");
        Soap11.UserSettings3 settings;
        Me.GetUserSettings_3("anna", out settings, out error);
        Check("settings", settings.LastName + ", " + settings.Phone + ", " + settings.Mode, "Höll & Söhne, 4255550100, voiceCall");
        Soap11.UserRow[] rows;
        bool complete;
        Me.FindUsers("*a*", false, "", false, "", false, "", false, "", Soap11.PinMode2.standard, false, false, false, 1,
            out rows, out complete, out error);
        Check("an array of records, cut short", rows.Length + " " + rows[0].Username + " " + complete, "1 anna False");
        Soap11.CallResult result;
        var passed = Me.PfAuthUser("anna", "10.0.0.4", true, out result, out error);
        Check("the first overload", passed + " " + result.Code, "True 2");
        passed = Me.PfAuthUser("anna", Soap11.AuthenticationType.pfsdk, "10.0.0.4", "MIM", true, out result, out error);
        Check("the third overload", passed + " " + result.Code, "True 2");
    }

    static string Ask(Soap11.PfWsSdk service, string user, string number)
    {
        Soap11.CallResult result;
        Soap11.Error error;
        string id;
        var passed = service.PfAuthUser_5(user, Soap11.AuthenticationType.pfsdk, "10.0.0.4", "MIM", true,
            Soap11.Mode3.unspecified, "1", number, "", out result, out id, out error);
        return (passed + " " + result.Code + " " + error.Code + " " + error.Description).Trim();
    }

    static void Calls12()
    {
        var service = new Soap12.PfWsSdk { Url = Address, Timeout = 20000, Credentials = new NetworkCredential(Account, Password) };
        Check("SOAP 1.2", service.TestSecurity(), "secure");
        Soap12.CallResult result;
        Soap12.Error error;
        string id;
        var passed = service.PfAuthUser_5("anna", Soap12.AuthenticationType.pfsdk, "10.0.0.4", "MIM", true,
            Soap12.Mode3.voiceCall, "", "", "", out result, out id, out error);
        Check("SOAP 1.2, the user presses #", passed + " " + result.Code + " " + id.Length, "True 2 32");
    }

    // The way of New-WebServiceProxy: from the bare URL to the help page, the discovery document, the description.
    static void Discovery()
    {
        var discovery = new DiscoveryClientProtocol { Credentials = new NetworkCredential(Account, Password) };
        Check("the bare URL leads to the discovery document", discovery.DiscoverAny(Address).GetType().Name, "DiscoveryDocument");
        discovery.ResolveAll();
        var descriptions = discovery.Documents.Values.OfType<ServiceDescription>().ToList();
        Check("which leads to one description", descriptions.Count, 1);
        var ports = descriptions[0].Services[0].Ports.Cast<Port>().Select(it => it.Name);
        Check("with both ports", string.Join(" ", ports), "PfWsSdkSoap PfWsSdkSoap12");
        var operations = descriptions[0].PortTypes[0].Operations.Count;
        Check("and every operation", operations, 105);
    }

    // What a .NET client gets when it goes wrong.
    static void Exceptions()
    {
        const string unknown = "Client: Server did not recognize the value of HTTP Header SOAPAction: " + Namespace + "/Nope.";
        Check("a fault", Thrown(() => Bare(new Bare()).Nope()), "SoapException " + unknown);
        Check("a header that must be understood", Thrown(() => Bare(new Bare()).TestSecurity()),
            "SoapHeaderException MustUnderstand: SOAP header Transaction was not understood.");
        var elsewhere = As(Account, Password);
        elsewhere.Url = Address.Replace("PfWsSdk", "Nothing");
        Check("a wrong path", Thrown(() => elsewhere.TestSecurity()), "WebException ProtocolError 404");
        var impatient = As(Account, Password);
        impatient.Timeout = 300;
        Check("a time-out", Thrown(() => Ask(impatient, "mimservice@contoso.com", "4255550118")), "WebException Timeout");

        ServicePointManager.ServerCertificateValidationCallback = (sender, certificate, chain, errors) =>
        {
            Check("the certificate is trusted", errors, SslPolicyErrors.None);
            Check("the authority issued it", certificate.Issuer, new X509Certificate2(Authority).Subject);
            return false;
        };
        elsewhere = As(Account, Password);
        elsewhere.ConnectionGroupName = "new";
        Check("a certificate that is refused", Thrown(() => elsewhere.TestSecurity()), "WebException TrustFailure");
    }

    static Bare Bare(Bare it)
    {
        it.Url = Address;
        it.Credentials = new NetworkCredential(Account, Password);
        return it;
    }
}

// What no proxy of the description sends.
[WebServiceBinding(Name = "PfWsSdkSoap", Namespace = Checks.Namespace)]
public class Bare : SoapHttpClientProtocol
{
    public Transaction transaction = new Transaction { MustUnderstand = true };

    [SoapDocumentMethod(Checks.Namespace + "/Nope", RequestNamespace = Checks.Namespace, ResponseNamespace = Checks.Namespace)]
    public string Nope() { return (string)Invoke("Nope", new object[0])[0]; }

    [SoapHeader("transaction")]
    [SoapDocumentMethod(Checks.Namespace + "/TestSecurity", RequestNamespace = Checks.Namespace, ResponseNamespace = Checks.Namespace)]
    public string TestSecurity() { return (string)Invoke("TestSecurity", new object[0])[0]; }
}

public class Transaction : SoapHeader { }
