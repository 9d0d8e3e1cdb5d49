// The story of a team's tests: both gates of Identity Manager. Under NUnit 2.6, on Mono and on .NET Framework.
using System;
using System.Net;
using System.Threading.Tasks;
using Locmfa.Sdk;
using Locmfa.Testing;
using NUnit.Framework;

[TestFixture]
public class Story
{
    private const string Mim = "mimservice@contoso.com", Number = "+1 425 555 0150";
    private LocmfaServer server;
    private LocmfaSpace space;
    private ISdk sdk;

    [TestFixtureSetUp]
    public void StartServer()
    {
        server = LocmfaServer.StartAsync().GetAwaiter().GetResult();
        ServicePointManager.ServerCertificateValidationCallback = server.Trust.Validate;
    }

    [TestFixtureTearDown]
    public void StopServer() => server.Dispose();

    [SetUp]
    public void MakeSpace()
    {
        space = server.CreateSpaceAsync(TestContext.CurrentContext.Test.FullName).GetAwaiter().GetResult();
        sdk = SdkClient.Create<ISdk>(space.ServiceUri, new NetworkCredential("mimservice", "any", "CONTOSO"));
    }

    [TearDown]
    public void EndSpace() => space.Dispose();

    private int Gate(Mode3 mode)
    {
        sdk.PfAuthUser_5(Mim, AuthenticationType.pfsdk, null, "MIM", true, mode, "1", "4255550150", null, out var result, out _, out _);
        return result.Code;
    }

    private int Type(string code) => sdk.ValidatePasscode(Mim, code, out var error) ? 0 : error.Code;

    [Test]
    public async Task The_code_of_the_text_message_opens_the_gate()
    {
        Assert.AreEqual(20, Gate(Mode3.smsText));
        var message = await space.WaitForTextAsync(Number);
        Assert.AreEqual(9011, Type("000000"));
        Assert.AreEqual(0, Type(message.Code));
        await space.VerifyInOrderAsync(
            new LocmfaExpectation { Name = "a text message went out", Kind = "message", Where = new { to = Number }, Exactly = 1 },
            new LocmfaExpectation { Name = "the right code came", Where = new { operation = "ValidatePasscode", outcome = "true*" }, Exactly = 1 });
    }

    [Test]
    public async Task A_code_expires()
    {
        await space.FreezeClockAsync();
        Gate(Mode3.smsText);
        var message = await space.WaitForTextAsync(Number);
        await space.AdvanceClockAsync(TimeSpan.FromMinutes(6));
        Assert.AreEqual(9010, Type(message.Code));
    }

    [Test]
    public async Task The_phone_is_busy_and_then_answered_and_then_declined()
    {
        await space.AddRuleAsync(new { person = "decides" });
        await space.AddRuleAsync(new { outcome = "busy", after = "0s" }, times: 1);
        Assert.AreEqual(101, Gate(Mode3.voiceCall));
        var approved = Task.Run(() => Gate(Mode3.voiceCall));
        await (await space.RingingAsync(Number)).ApproveAsync();
        Assert.AreEqual(2, await approved);
        var denied = Task.Run(() => Gate(Mode3.voiceCall));
        await (await space.RingingAsync(Number)).DenyAsync();
        Assert.AreEqual(108, await denied);
    }
}
