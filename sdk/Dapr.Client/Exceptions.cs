using Dapr.Client;

namespace Dapr
{
    /// <summary>A call to the sidecar failed. The message carries Dapr's error code where there is one.</summary>
    public class DaprException : Exception
    {
        /// <summary>Creates the exception.</summary>
        public DaprException(string message) : base(message) { }

        /// <summary>Creates the exception with its cause.</summary>
        public DaprException(string message, Exception innerException) : base(message, innerException) { }
    }
}

namespace Dapr.Client
{
    /// <summary>A service invocation failed, or the app answered with an error status.</summary>
    public class InvocationException : DaprException
    {
        /// <summary>Creates the exception.</summary>
        public InvocationException(string appId, string methodName, Exception innerException, HttpResponseMessage response)
            : base($"An exception occurred while invoking method: '{methodName}' on app-id: '{appId}'", innerException)
        {
            AppId = appId;
            MethodName = methodName;
            Response = response;
        }

        /// <summary>App that was called.</summary>
        public string AppId { get; }

        /// <summary>Method that was called.</summary>
        public string MethodName { get; }

        /// <summary>The answer, when there was one.</summary>
        public HttpResponseMessage Response { get; }
    }
}
