// The story of ../../Tests/Story.cs with xunit and the WCF of today's .NET. Not compiled by this project's own checks.
using System.IdentityModel.Selectors;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Locmfa.Sdk;
using Locmfa.Testing;
using Xunit;

public sealed class ServerFixture : IAsyncLifetime
{
    public LocmfaServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await LocmfaServer.StartAsync();

    public Task DisposeAsync()
    {
        Server.Dispose();
        return Task.CompletedTask;
    }
}

// The kit has no WCF where the framework has none.
public sealed class Validator(LocmfaTrust trust) : X509CertificateValidator
{
    public override void Validate(X509Certificate2 certificate)
    {
        if (!trust.Trusts(certificate))
        {
            throw new System.Security.SecurityException("The certificate is not from the authority of this locmfa.");
        }
    }
}

public sealed class StoryTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private const string Mim = "mimservice@contoso.com", Number = "+1 425 555 0150";
    private readonly LocmfaServer server = fixture.Server;

    private ISdk Sdk(LocmfaSpace space) =>
        SdkClient.Create<ISdk>(space.ServiceUri, new NetworkCredential("mimservice", "any", "CONTOSO"), new Validator(server.Trust));

    private static int Gate(ISdk sdk, Mode3 mode)
    {
        sdk.PfAuthUser_5(Mim, AuthenticationType.pfsdk, null, "MIM", true, mode, "1", "4255550150", null, out var result, out _, out _);
        return result.Code;
    }

    private static int Type(ISdk sdk, string code) => sdk.ValidatePasscode(Mim, code, out var error) ? 0 : error.Code;

    [Fact]
    public async Task The_code_of_the_text_message_opens_the_gate()
    {
        using var space = await server.CreateSpaceAsync(nameof(The_code_of_the_text_message_opens_the_gate));
        var sdk = Sdk(space);
        Assert.Equal(20, Gate(sdk, Mode3.smsText));
        var message = await space.WaitForTextAsync(Number);
        Assert.Equal(9011, Type(sdk, "000000"));
        Assert.Equal(0, Type(sdk, message.Code));
        await space.VerifyInOrderAsync(
            new LocmfaExpectation { Name = "a text message went out", Kind = "message", Where = new { to = Number }, Exactly = 1 },
            new LocmfaExpectation { Name = "the right code came", Where = new { operation = "ValidatePasscode", outcome = "true*" }, Exactly = 1 });
    }

    [Fact]
    public async Task A_code_expires()
    {
        using var space = await server.CreateSpaceAsync(nameof(A_code_expires));
        await space.FreezeClockAsync();
        var sdk = Sdk(space);
        Gate(sdk, Mode3.smsText);
        var message = await space.WaitForTextAsync(Number);
        await space.AdvanceClockAsync(TimeSpan.FromMinutes(6));
        Assert.Equal(9010, Type(sdk, message.Code));
    }

    [Fact]
    public async Task The_phone_is_busy_and_then_answered_and_then_declined()
    {
        using var space = await server.CreateSpaceAsync(nameof(The_phone_is_busy_and_then_answered_and_then_declined));
        await space.AddRuleAsync(new { person = "decides" });
        await space.AddRuleAsync(new { outcome = "busy", after = "0s" }, times: 1);
        var sdk = Sdk(space);
        Assert.Equal(101, Gate(sdk, Mode3.voiceCall));
        var approved = Task.Run(() => Gate(sdk, Mode3.voiceCall));
        await (await space.RingingAsync(Number)).ApproveAsync();
        Assert.Equal(2, await approved);
        var denied = Task.Run(() => Gate(sdk, Mode3.voiceCall));
        await (await space.RingingAsync(Number)).DenyAsync();
        Assert.Equal(108, await denied);
    }
}
