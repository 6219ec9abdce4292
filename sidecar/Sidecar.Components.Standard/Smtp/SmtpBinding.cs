using System.Net.Mail;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard.Smtp;

/// <summary>
/// <c>bindings.smtp</c> (config §10): a create sends its data as an HTML mail. One connection per mail, as in Dapr. An error after the mail itself was sent
/// leaves open whether the server has it: who repeats the call may send it twice.
/// </summary>
internal sealed class SmtpBinding(ComponentContext context, TimeProvider time) : IOutputBinding
{
    private SmtpSettings _settings = null!;

    public IReadOnlyList<string> Operations { get; } = ["create"];

    public Task InitAsync(CancellationToken cancellationToken)
    {
        _settings = SmtpSettings.Read(context.Metadata);
        return Task.CompletedTask;
    }

    public async ValueTask<BindingResponse> InvokeAsync(BindingRequest request, CancellationToken cancellationToken)
    {
        var mail = new Mail(_settings.With(request.Metadata), request.Content().Span, time.GetUtcNow());
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_settings.Timeout);
        try
        {
            await using var session = await SmtpSession.OpenAsync(_settings, limit.Token);
            await session.SendAsync(mail, limit.Token);
            return BindingResponse.Empty;
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BindingException(
                $"no answer from {_settings.Host}:{_settings.Port} within {_settings.Timeout}: check metadata 'host' and 'port', or raise 'timeout'", innerException: exception);
        }
        catch (SmtpException exception)
        {
            throw new BindingException($"the mail was not sent: {exception.Message}", innerException: exception);
        }
        catch (IOException exception)
        {
            throw new BindingException(
                $"the connection to {_settings.Host}:{_settings.Port} broke off, and the server may have the mail or not: {exception.Message}", innerException: exception);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
