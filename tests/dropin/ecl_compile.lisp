;;; tests/dropin/ecl_compile.lisp: ECL's compiler, by way of C, and what it made. SPDX-License-Identifier: MIT
;;;
;;; Writes into the current folder.

(setf ext:*invoke-debugger-hook*
      (lambda (condition hook)
        (declare (ignore hook))
        (format t "failed: ~a~%" condition)
        (ext:quit 1)))
(setf *compile-verbose* nil *compile-print* nil *load-verbose* nil)

(with-open-file (out "made.lisp" :direction :output :if-exists :supersede)
  (dotimes (i 40)
    (format out "(defun made-~d (n) (loop for k below n collect (list k (* ~d k))))~%" i i))
  (format out "(defun made-pairs (d)
                 (if (= d 0) nil (cons (made-pairs (1- d)) (made-pairs (1- d)))))~%")
  (format out "(defun made-leaves (p)
                 (if p (+ (made-leaves (car p)) (made-leaves (cdr p))) 1))~%"))
(format t "compiled ~a~%" (not (null (compile-file "made.lisp"))))
(load "made.fas")
(format t "called ~a~%"
        (loop for i below 40
              sum (reduce #'+ (mapcar #'second
                                      (funcall (intern (format nil "MADE-~d" i)) 1000)))))
(format t "leaves ~a~%" (loop repeat 400 sum (made-leaves (made-pairs 13))))
(format t "closure ~a~%" (funcall (compile nil '(lambda (x) (* x x))) 12))
(format t "end~%")
(ext:quit 0)
