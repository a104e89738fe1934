# Sets ET_CUDA_TOOLKIT to the root of a CUDA toolkit that has ptxas and
# libdevice: the environment's, the virtual environment's, the machine's.
# It is empty where there is none; PTX can still be made then, cubins cannot.
if(ET_CUDA_TOOLKIT AND NOT EXISTS ${ET_CUDA_TOOLKIT}/bin/ptxas)
  unset(ET_CUDA_TOOLKIT CACHE)
endif()
file(GLOB _et_python_cuda ${PROJECT_SOURCE_DIR}/build/venv/lib/python3*/site-packages/nvidia/cu13)
find_path(ET_CUDA_TOOLKIT nvvm/libdevice/libdevice.10.bc
  HINTS ENV CUDA_ROOT ENV CUDA_HOME ENV CUDA_PATH
  PATHS ${_et_python_cuda} /usr/local/cuda
  NO_DEFAULT_PATH
  DOC "Root of a CUDA toolkit with bin/ptxas and nvvm/libdevice")
if(NOT ET_CUDA_TOOLKIT OR NOT EXISTS ${ET_CUDA_TOOLKIT}/bin/ptxas)
  unset(ET_CUDA_TOOLKIT CACHE)
  set(ET_CUDA_TOOLKIT "")
  message(STATUS "No CUDA toolkit: no cubin or fatbin can be made "
                 "(pip install -r requirements-cuda.txt, or set CUDA_ROOT)")
else()
  message(STATUS "Using CUDA toolkit ${ET_CUDA_TOOLKIT}")
endif()
