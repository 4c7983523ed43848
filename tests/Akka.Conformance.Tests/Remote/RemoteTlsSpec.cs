using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;

namespace Akka.Conformance.Tests.Remote;

/// <summary>Two systems that share a certificate talk under TLS; one that speaks plain TCP is not let in.</summary>
public sealed class RemoteTlsSpec : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".pfx");

    public RemoteTlsSpec()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllBytes(_path, certificate.Export(X509ContentType.Pfx, "secret"));
    }

    public void Dispose() => File.Delete(_path);

    private RemoteNode Start(string name) => RemoteNode.Start(name, 0, $$"""
        akka.remote.dot-netty.tcp.enable-ssl = on
        akka.remote.dot-netty.tcp.ssl.suppress-validation = on
        akka.remote.dot-netty.tcp.ssl.certificate.path = "{{_path}}"
        akka.remote.dot-netty.tcp.ssl.certificate.password = "secret"
        """);

    [Fact]
    public async Task Messages_pass_under_tls()
    {
        await using var a = Start("a");
        await using var b = Start("b");
        Assert.Equal("akka.ssl.tcp", b.Address.Protocol);
        b.Echo("echo");
        var echo = a.Resolve(b.Address, "/user/echo");
        Assert.Equal("secret", await echo.Ask<string>("secret", RemoteProbe.Deadline));
        Assert.Equal(100_000, (await echo.Ask<byte[]>(new byte[100_000], RemoteProbe.Deadline)).Length);
    }

    [Fact]
    public async Task A_plain_system_is_not_let_in()
    {
        await using var secure = Start("secure");
        await using var plain = RemoteNode.Start("plain");
        secure.Echo("echo");
        var asPlain = plain.Resolve(new Address(plain.Address.Protocol, "secure", "127.0.0.1", secure.Address.Port!.Value), "/user/echo");
        await Assert.ThrowsAnyAsync<Exception>(() => asPlain.Ask<string>("anyone?", TimeSpan.FromSeconds(1)));
    }
}
