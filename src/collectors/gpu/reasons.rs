//! Why GPUs could not be read, beyond what all areas have.

use crate::failure::reasons;

reasons! {
    /// NVIDIA's library, `libnvidia-ml.so.1`, is not there, nor is `nvidia-smi`.
    NO_LIBRARY = "no_library";
    /// The library is there, and the driver in the kernel is not loaded.
    NO_DRIVER = "no_driver";
    /// The library and the driver in the kernel are of different versions: one was updated, and the other still runs.
    VERSIONS = "version_mismatch";
    /// The driver says that a GPU is lost, and answers nothing of the others either.
    LOST = "gpu_lost";
}
