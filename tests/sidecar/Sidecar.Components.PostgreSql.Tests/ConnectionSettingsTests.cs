using Npgsql;
using Sidecar.Abstractions;
using Sidecar.Components.PostgreSql.Connections;

namespace Sidecar.Components.PostgreSql.Tests;

public sealed class ConnectionSettingsTests
{
    [Theory]
    [InlineData("host=db.example user=ann password=pä55 port=5433 dbname=shop", "pä55")]
    [InlineData("host=db.example user=ann password='it''s'  port=5433 database=shop", null)]
    [InlineData(@"  host = db.example user='ann' password='a \'b\' \\ c' port=5433 dbname=shop connect_timeout=7", @"a 'b' \ c")]
    [InlineData("host=db.example user=ann password='x;y=z' port=5433 database=shop", "x;y=z")]
    [InlineData("postgres://ann:p%40ss%3A@db.example:5433/shop?sslmode=disable&connect_timeout=3", "p@ss:")]
    [InlineData("postgresql://ann:a#b?c@d@db.example:5433/shop", "a#b?c@d")]
    [InlineData("Host=db.example;Port=5433;Username=ann;Password=p;Database=shop", "p")]
    public void Reads_each_form_of_a_connection_string(string text, string? password)
    {
        if (password is null)
        {
            // A doubled quote ends a word and begins the next one, which has no '='.
            Assert.Throws<ComponentException>(() => Read(("connectionString", text)));
            return;
        }

        var builder = new NpgsqlConnectionStringBuilder(Read(("connectionString", text)).ConnectionString);

        Assert.Equal(("db.example", 5433, "ann", password, "shop"), (builder.Host, builder.Port, builder.Username, builder.Password, builder.Database));
    }

    [Fact]
    public void Separate_fields_win_over_the_connection_string()
    {
        var settings = Read(("connectionString", "host=a user=u password=p database=d"), ("host", "b"), ("password", "q"), ("port", "6000"));

        var builder = new NpgsqlConnectionStringBuilder(settings.ConnectionString);
        Assert.Equal(("b", 6000, "u", "q", "d"), (builder.Host, builder.Port, builder.Username, builder.Password, builder.Database));
        Assert.Equal("PostgreSQL b:6000, database 'd', user 'u'", settings.Where);
    }

    [Fact]
    public void Knows_the_defaults_and_what_the_metadata_says_of_pool_and_time()
    {
        var usual = Read(("host", "h"));
        Assert.Equal((Math.Max(4, Environment.ProcessorCount), TimeSpan.FromSeconds(20)), (usual.MaxConnections, usual.Timeout));
        Assert.Equal(4, new NpgsqlConnectionStringBuilder(usual.ConnectionString).Timeout);

        var given = Read(("connectionString", "host=h pool_max_conns=3 pool_max_conn_idle_time=90s"), ("maxConns", "9"), ("timeout", "750ms"), ("connectionMaxIdleTime", "1m"));
        var builder = new NpgsqlConnectionStringBuilder(given.ConnectionString);
        Assert.Equal((9, TimeSpan.FromMilliseconds(750), 9, 60), (given.MaxConnections, given.Timeout, builder.MaxPoolSize, builder.ConnectionIdleLifetime));
        Assert.Equal(3, Read(("connectionString", "host=h pool_max_conns=3")).MaxConnections);
    }

    [Theory]
    [InlineData("simple_protocol", 0, true)]
    [InlineData("exec", 0, false)]
    [InlineData("cache_statement", 32, false)]
    public void Prepares_statements_only_where_the_mode_allows_it(string mode, int prepared, bool keepsNoState)
    {
        var builder = new NpgsqlConnectionStringBuilder(Read(("host", "h"), ("queryExecMode", mode)).ConnectionString);

        Assert.Equal((prepared, keepsNoState), (builder.MaxAutoPrepare, builder.NoResetOnClose));
    }

    [Fact]
    public void A_root_certificate_is_checked_against()
    {
        var file = Path.GetTempFileName();
        var builder = new NpgsqlConnectionStringBuilder(Read(("connectionString", "host=h sslmode=require"), ("sslRootCert", file)).ConnectionString);
        File.Delete(file);

        Assert.Equal((file, SslMode.VerifyCA), (builder.RootCertificate, builder.SslMode));
    }

    [Theory]
    [InlineData("connectionString", "", "'connectionString' or 'host' is required")]
    [InlineData("connectionString", "host=h pasword=s3cret", "'pasword' is not supported; did you mean 'password'?")]
    [InlineData("connectionString", "Host=h;Pasword=s3cret", "has a name that Npgsql does not know")]
    [InlineData("connectionString", "host=h password='s3cret", "a quote ' is not closed")]
    [InlineData("connectionString", "host=h password=s3cret port", "there is no '=' after word 3")]
    [InlineData("connectionString", "host=h port=s3cret", "'port' has a value that it cannot have")]
    [InlineData("connectionString", "host=a,b password=s3cret", "several servers")]
    [InlineData("connectionString", "host=h password=s3cret sslmode=maybe", "'sslmode' has a value that it cannot have")]
    [InlineData("sslRootCert", "/absent/root.pem", "'/absent/root.pem' ('sslRootCert') does not exist")]
    [InlineData("queryExecMode", "fast", "it can be cache_statement")]
    [InlineData("timeout", "0s", "must be more than 0")]
    [InlineData("timeout", "soon", "not a duration")]
    [InlineData("maxConns", "many", "not an integer")]
    [InlineData("useAzureAD", "true", "give a user and a password")]
    public void Refuses_what_it_cannot_keep_and_never_repeats_the_password(string name, string value, string expected)
    {
        var refused = Assert.Throws<ComponentException>(() => Read(name == "connectionString" ? (name, value) : ("host", "h"), (name, value)));

        Assert.Contains(expected, refused.Message);
        Assert.DoesNotContain("s3cret", refused.ToString());
    }

    private static ConnectionSettings Read(params (string Name, string Value)[] metadata) =>
        ConnectionSettings.Read(new ComponentMetadata(metadata.Select(entry => KeyValuePair.Create(entry.Name, entry.Value))));
}
