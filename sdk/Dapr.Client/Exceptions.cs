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

    /// <summary>The sidecar refused a call of an actor's API.</summary>
    public class DaprApiException : DaprException
    {
        /// <summary>Creates the exception without details.</summary>
        public DaprApiException() : this("The sidecar refused the call.") { }

        /// <summary>Creates the exception with a message.</summary>
        public DaprApiException(string message) : base(message) { }

        /// <summary>Creates the exception with its cause.</summary>
        public DaprApiException(string message, Exception? innerException) : base(message, innerException!) { }

        /// <summary>Creates the exception with Dapr's error code.</summary>
        public DaprApiException(string? errorCode, bool isTransient) : this("The sidecar refused the call.", errorCode, isTransient) { }

        /// <summary>Creates the exception with message and Dapr's error code.</summary>
        public DaprApiException(string message, string? errorCode, bool isTransient) : this(message, null, errorCode, isTransient) { }

        /// <summary>Creates the exception with all details.</summary>
        public DaprApiException(string message, Exception? inner, string? errorCode, bool isTransient) : base(message, inner!)
        {
            ErrorCode = errorCode;
            IsTransient = isTransient;
        }

        /// <summary>Dapr's error code, as <c>ERR_ACTOR_INVOKE_METHOD</c>.</summary>
        public string? ErrorCode { get; }

        /// <summary>Whether trying again may help.</summary>
        public bool IsTransient { get; }
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
